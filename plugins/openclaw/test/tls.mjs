// The plugin's connection over `wss`, to a certificate of a private authority.
//
//   node --test test/tls.mjs      with HUB and PLUGIN in the environment, and openssl in the PATH

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { startHub } from "./hub.mjs";

const { HUB, PLUGIN } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-tls-"));
const at = (name) => join(dir, name);
const openssl = (...args) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
let hub, server;

/** Connects with the packaged client and prints the first state that is not `connecting`. */
const SCRIPT = `
  const { HubClient } = await import(process.argv[1]);
  const stop = new AbortController();
  const state = (it) => it.kind === "connecting" || (console.log(JSON.stringify(it)), stop.abort());
  await new HubClient({ url: process.argv[2], token: "tok-a", client: "tls", rooms: ["lab"] }, { state }).run(stop.signal);
`;
const connect = (env) =>
  new Promise((resolve) => {
    const args = ["--input-type=module", "--eval", SCRIPT, join(PLUGIN, "dist/hub-client.js"), `wss://localhost:${server.address().port}`];
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (_, stdout, stderr) => resolve(stdout + stderr));
  });

describe("wss", () => {
  before(async () => {
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=private", "-days", "2");
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "hub.key", "-out", "hub.csr", "-subj", "/CN=localhost");
    writeFileSync(at("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1");
    openssl("x509", "-req", "-in", "hub.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "hub.pem", "-days", "2", "-extfile", "san");
    hub = await startHub({ binary: HUB, dir, bots: ["a"] });
    const { port } = new URL(hub.url);
    server = tls.createServer({ key: readFileSync(at("hub.key")), cert: readFileSync(at("hub.pem")) }, (socket) => {
      const upstream = net.connect(Number(port), "127.0.0.1");
      socket.pipe(upstream).pipe(socket);
      for (const it of [socket, upstream]) it.on("error", () => {});
    });
    await new Promise((resolve) => server.listen(0, "localhost", resolve));
  });
  after(async () => {
    server?.close();
    await hub?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test("a private authority is trusted through NODE_EXTRA_CA_CERTS", async () => {
    assert.match(await connect({ NODE_EXTRA_CA_CERTS: at("ca.pem") }), /"kind":"ready","bot":"a"/);
  });

  test("without it the status says that the certificate is the trouble", async () => {
    const said = await connect({});
    assert.match(said, /"kind":"recovering"/);
    assert.match(said, /certificate/);
  });
});
