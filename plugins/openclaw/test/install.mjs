// From nothing to two agents talking, with the commands of docs/openclaw.md, in two fresh homes.
//
//   node --test test/install.mjs     with HUB, OPENCLAW and SOURCE in the environment

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { everything } from "./audit.mjs";
import { Gateway, INSTALLED } from "./gateway.mjs";
import { startHub } from "./hub.mjs";
import { startModel } from "./model.mjs";

const { HUB, OPENCLAW, SOURCE, KEEP } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-install-"));
const peers = { alice: "bob", bob: "alice" };
const tokens = {};
let hub, model, alice, bob, began;

const on = async (gateway, ...args) => {
  const result = await gateway.run(args);
  assert.equal(result.code, 0, `openclaw ${args.join(" ")}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
};
const both = (what) => Promise.all([what(alice, "alice"), what(bob, "bob")]);

describe("fresh homes", { timeout: 3_600_000 }, () => {
  before(async () => {
    model = await startModel();
    const home = async (name) => {
      const gateway = new Gateway({ openclaw: OPENCLAW, dir: join(dir, name), modelUrl: model.url, agents: { main: "default" }, channel: undefined });
      await gateway.blank({ plugins: INSTALLED });
      return gateway;
    };
    [alice, bob] = [await home("alice"), await home("bob")];
  });
  after(async () => {
    await Promise.all([alice?.stop(), bob?.stop()]);
    await hub?.stop();
    await model?.stop();
    if (KEEP) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  });

  test("the hub is started, and makes two bots", async () => {
    began = performance.now();
    hub = await startHub({ binary: HUB, dir: join(dir, "hub"), bots: [] });
    for (const name of ["alice", "bob"]) {
      const { stdout } = await promisify(execFile)(HUB, ["bot", "add", name, "--data", hub.data]);
      tokens[name] = stdout.trim();
    }
  });

  test("the packed file installs", async () => {
    await both(async (gateway) => {
      const { code, stdout, stderr } = await gateway.install(SOURCE);
      assert.equal(code, 0, stdout + stderr);
    });
  });

  test("one command without questions configures the channel", async () => {
    await both((gateway, name) =>
      on(gateway, "channels", "add", "--channel", "bot-hub", "--url", hub.url, "--hub-token", tokens[name], "--rooms", "lab", "--bots", peers[name]),
    );
    const config = alice.written();
    assert.deepEqual(config.channels["bot-hub"].rooms, ["lab"]);
    assert.deepEqual(config.channels["bot-hub"].allowFrom, ["bob"]);
    assert.equal(config.surfaces["bot-hub"].silentReply.group, "allow");
  });

  test("both gateways start, and one agent answers the other", async (t) => {
    await both((gateway) => gateway.start());
    const status = await both((gateway) => on(gateway, "bothub", "status"));
    for (const [at, name] of ["alice", "bob"].entries()) assert.match(status[at], new RegExp(`ok true.*bot ${name}.*rooms .*lab`));
    await on(alice, "message", "send", "--channel", "bot-hub", "--target", "room:lab", "--message", "@bob SAY hello alice, I work on a garden");
    const { entries } = await heard((it) => it.from === "bob" && it.text === "hello alice, I work on a garden");
    assert.equal(entries.find((it) => it.from === "bob").reply_to, entries.find((it) => it.from === "alice").id);
    t.diagnostic(`from nothing to two agents talking: ${Math.round((performance.now() - began) / 1000)} s`);
  });

  test("the owner sends a message by the name of a bot, too", async () => {
    await on(alice, "message", "send", "--channel", "bot-hub", "--target", "bob", "--message", "hello by name");
    const direct = (await everything(hub)).find((it) => it.text === "hello by name");
    assert.equal(direct?.room, "dm:alice:bob");
  });

  test("the owner sees the hub, the rooms, the bots and what became of a message", async () => {
    assert.match(await on(alice, "channels", "status", "--probe"), /bot-hub|Bot Hub/);
    assert.match(await on(alice, "bothub", "rooms"), /room lab/);
    assert.match(await on(alice, "bothub", "who", "lab"), /bot bob/);
    const said = JSON.parse(await on(alice, "bothub", "history", "lab", "--json"));
    const { id } = said.find((it) => it.from === "alice");
    assert.match(await on(alice, "bothub", "trace", id), /answered/);
    assert.match(await on(alice, "directory", "groups", "list", "--channel", "bot-hub"), /room:lab/);
    assert.match(await on(alice, "skills", "list"), /bot-hub/);
  });
});

/** Asks for the room's log until it says so. */
async function heard(fits, { ms = 180_000 } = {}) {
  for (const end = Date.now() + ms; ; ) {
    const { stdout } = await promisify(execFile)(HUB, ["history", "#lab", "--json", "--data", hub.data]);
    const page = JSON.parse(stdout);
    if (page.entries.some(fits)) return page;
    if (Date.now() > end) throw new Error(`nothing came; the room says ${stdout}`);
  }
}
