// The plugin's connection to a hub that stands still, and one that is back.
//
//   node --test test/frozen.mjs      with HUB and PLUGIN in the environment

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startHub } from "./hub.mjs";

const { HUB, PLUGIN } = process.env;
const { HubClient } = await import(join(PLUGIN, "client/index.js"));
const dir = mkdtempSync(join(tmpdir(), "bot-hub-frozen-"));
let hub;
const running = [];

/** A client, and a promise for its next state of a kind. */
function connect() {
  const waits = [];
  const seen = [];
  const state = (it) => {
    seen.push(it);
    for (const wait of waits.splice(0)) wait.kind === it.kind ? wait.resolve(it) : waits.push(wait);
  };
  const stop = new AbortController();
  const client = new HubClient({ url: hub.url, token: "tok-a", client: "frozen", rooms: ["lab"] }, { state });
  const next = (kind) => new Promise((resolve) => waits.push({ kind, resolve }));
  const first = next("ready");
  const done = client.run(stop.signal);
  running.push(stop);
  return { client, stop, done, next, first, seen };
}

describe("a hub that stands still", () => {
  before(async () => {
    hub = await startHub({ binary: HUB, dir, bots: ["a"] });
  });
  after(async () => {
    for (const stop of running) stop.abort();
    await hub?.stop("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  });

  test("is noticed within a minute, is no obstacle for a stop, and is used again when it goes on", async () => {
    const { client, stop, done, next, first } = connect();
    await first;
    const lost = next("recovering");
    hub.signal("SIGSTOP");
    const began = performance.now();
    assert.match((await lost).reason, /gone silent/);
    assert.ok(performance.now() - began < 60_000);
    assert.equal(client.connected, false);
    const ready = next("ready");
    hub.signal("SIGCONT");
    await ready;
    assert.equal((await client.send({ room: "lab", text: "back", id: "m1" })).room, "lab");
    hub.signal("SIGSTOP");
    const stopped = performance.now();
    stop.abort();
    await done;
    assert.ok(performance.now() - stopped < 2_000);
    hub.signal("SIGCONT");
  });

  test("that a second program takes the token from is said, and the first comes back when that one is gone", async () => {
    const one = connect();
    await one.first;
    const replaced = one.next("blocked");
    const other = connect();
    await other.first;
    assert.match((await replaced).reason, /another program/);
    other.stop.abort();
    await other.done;
    await one.next("ready");
    one.stop.abort();
    await one.done;
  });
});
