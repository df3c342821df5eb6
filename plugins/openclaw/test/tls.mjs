// The plugin's connection over `wss`, to a certificate of a private authority.
//
//   node --test test/tls.mjs      with HUB and PLUGIN in the environment, and openssl in the PATH

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startHub } from "./hub.mjs";
import { privateAuthority } from "./wire.mjs";

const { HUB, PLUGIN } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-tls-"));
let hub, authority;

/** Connects with the packaged client and prints the first state that is not `connecting`. */
const SCRIPT = `
  const { HubClient } = await import(process.argv[1]);
  const stop = new AbortController();
  const state = (it) => it.kind === "connecting" || (console.log(JSON.stringify(it)), stop.abort());
  await new HubClient({ url: process.argv[2], token: "tok-a", client: "tls", rooms: ["lab"] }, { state }).run(stop.signal);
`;
const connect = (env) =>
  new Promise((resolve) => {
    const args = ["--input-type=module", "--eval", SCRIPT, join(PLUGIN, "client/index.js"), hub.secureUrl];
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (_, stdout, stderr) => resolve(stdout + stderr));
  });

describe("wss", () => {
  before(async () => {
    authority = privateAuthority(dir);
    hub = await startHub({ binary: HUB, dir, bots: ["a"], tls: authority.tls });
  });
  after(async () => {
    await hub?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test("a private authority is trusted through NODE_EXTRA_CA_CERTS", async () => {
    assert.match(await connect({ NODE_EXTRA_CA_CERTS: authority.ca }), /"kind":"ready","bot":"a"/);
  });

  test("without it the status says that the certificate is the trouble", async () => {
    const said = await connect({});
    assert.match(said, /"kind":"recovering"/);
    assert.match(said, /certificate/);
  });
});
