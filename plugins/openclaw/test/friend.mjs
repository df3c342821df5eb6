// A friend in another home. The operator's hub is behind the real Traefik, with TLS of a private authority; the friend
// pastes the lines that `bot-hub invite` printed, one into a fresh OpenClaw and one for the command line, and both talk.
//
//   node --test test/friend.mjs     with HUB, OPENCLAW, PACKAGE and FRONT (the folder of a Python with Traefik) in the environment

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Gateway, INSTALLED } from "./gateway.mjs";
import { startModel } from "./model.mjs";

const { HUB, OPENCLAW, PACKAGE, FRONT, KEEP } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-friend-"));
const bin = join(dir, "bin");
const lines = {};
let front, model, gateway, rosa, began;

/** The hub and Traefik: `{url, ca, data}`. They end with this program. */
async function startFront() {
  const script = fileURLToPath(new URL("../../../tests/deploy/front.py", import.meta.url));
  const child = spawn(join(FRONT, "bin/python"), [script, HUB, FRONT], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const line = await Promise.race([once(createInterface({ input: child.stdout }), "line"), exited]);
  assert.equal(child.exitCode, null, "the hub and Traefik did not start");
  return { ...JSON.parse(line[0]), stop: () => (child.stdin.end(), exited) };
}

/** Pastes a line into a shell whose programs are the ones under test. */
function paste(line, env) {
  const options = { cwd: dir, env: { ...env, PATH: `${bin}:${process.env.PATH}` }, timeout: 300_000, maxBuffer: 1 << 24 };
  return new Promise((resolve) => {
    execFile("sh", ["-c", line], options, (error, stdout, stderr) => resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr }));
  });
}

const done = async (result) => {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stdout + stderr);
  return stdout;
};
const asRosa = (line) => done(paste(`bot-hub ${line} --data '${front.data}'`, { HOME: join(dir, "operator"), BOT_HUB_TOKEN: rosa }));
const operator = (line) => done(paste(`bot-hub ${line} --data '${front.data}'`, { HOME: join(dir, "operator") }));
/** The plain client: the program `bot-hub` in a home of its own, which knows of the hub what `join` kept. */
const nils = (line) => done(paste(line, { HOME: join(dir, "nils") }));

/** One message's life, once nobody has it before them any more. */
async function ladder(id, state) {
  for (const end = Date.now() + 120_000; ; await pause(100)) {
    const told = JSON.parse(await operator(`trace ${id} --json`));
    if (told.recipients.find((it) => it.bot === "flora")?.state === state || Date.now() > end) return told;
  }
}

describe("a friend in another home", { timeout: 3_600_000 }, () => {
  before(async () => {
    mkdirSync(bin);
    const program = (name, command) => writeFileSync(join(bin, name), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    program("bot-hub", `'${HUB}'`);
    program("openclaw", `'${process.execPath}' '${join(OPENCLAW, "openclaw.mjs")}'`);
    [front, model] = await Promise.all([startFront(), startModel()]);
    // Installing may need the registry, behind an authority that this machine names already.
    const trusted = [front.ca, process.env.NODE_EXTRA_CA_CERTS].filter(Boolean).map((it) => readFileSync(it, "utf8"));
    writeFileSync(join(dir, "trusted.pem"), trusted.join("\n"));
    gateway = new Gateway({
      openclaw: OPENCLAW, dir: join(dir, "flora"), modelUrl: model.url, agents: { main: "default" }, channel: undefined,
      env: { NODE_EXTRA_CA_CERTS: join(dir, "trusted.pem"), CURL_CA_BUNDLE: join(dir, "trusted.pem") },
    });
    await gateway.blank({ plugins: INSTALLED });
    began = performance.now();
  });
  after(async () => {
    await gateway?.stop();
    await front?.stop();
    await model?.stop();
    if (KEEP) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  });

  test("the operator is told how to get the plugin, puts it there, and invites two bots", async () => {
    rosa = (await operator("bot add rosa")).trim();
    await operator("room create garden");
    await operator("room add garden rosa");
    const { stderr } = await paste(`bot-hub invite fern --room garden --data '${front.data}'`, { HOME: join(dir, "operator") });
    assert.match(stderr, /there is no plugin at .*\/plugin\.tgz yet[^]*hint: `plugins\/openclaw\/pack`/);
    copyFileSync(PACKAGE, join(front.data, "plugin.tgz"));
    for (const [name, label] of [["flora", "OpenClaw"], ["nils", "command line"]]) {
      const printed = await operator(`invite ${name} --room garden`);
      lines[name] = printed.split("\n").find((it) => it.trim().startsWith(label)).trim().slice(label.length).trim();
      assert.ok(lines[name].includes(`'${front.url}/join#`), printed);
      assert.match(printed, /lets rosa talk to that agent/);
    }
  });

  test("one line brings the command line in", async () => {
    assert.match((await paste(lines.nils, { HOME: join(dir, "stranger") })).stderr, /certificate[^]*hint: /);
    const said = await nils(`${lines.nils} --ca-file '${front.ca}'`);
    assert.equal(said, `You are nils on ${front.url}, a member of #garden.\n`);
  });

  test("one line brings a fresh OpenClaw in", async () => {
    const said = await done(paste(lines.flora, gateway.env));
    assert.doesNotMatch(said, /answers nobody/);
    const { url, rooms, token } = gateway.written().channels["bot-hub"];
    assert.deepEqual([url, rooms], [`${front.url.replace("https", "wss")}/ws`, ["garden"]]);
    assert.match(token, /^bh_bot_/);
    await gateway.start();
  });

  test("whom the line admits is answered, and nobody else until the friend admits more", async () => {
    const id = (await asRosa("send '#garden' '@flora SAY hello rosa'")).trim();
    assert.equal((await ladder(id, "answered")).recipients.find((it) => it.bot === "flora").state, "answered");
    const told = await ladder((await nils("bot-hub send '#garden' '@flora SAY too early'")).trim(), "declined");
    assert.match(JSON.stringify(told.recipients), /has not admitted the sender/);
    await done(paste(`openclaw config set channels.bot-hub.allowFrom '["rosa","nils"]'`, gateway.env));
    // The gateway takes it over by itself, and the account comes back with it.
    for (const end = Date.now() + 120_000; gateway.text().match(/connected to wss/g).length < 2; await pause(100)) {
      assert.ok(Date.now() < end, gateway.tail());
    }
    await operator("room kick garden rosa");
  });

  test("both talk, and the operator sees what became of it", async (t) => {
    const id = (await nils("bot-hub send '#garden' 'SAY hello nils, I work on a garden'")).trim();
    const { recipients } = await ladder(id, "answered");
    assert.deepEqual(recipients.map((it) => it.bot), ["flora"]);
    const seen = (await nils("bot-hub tail '#garden' --since 1h --count 5 --json")).trim().split("\n").map((it) => JSON.parse(it));
    const answer = seen.find((it) => it.from === "flora" && it.reply_to === id);
    assert.equal(answer?.text, "hello nils, I work on a garden");
    const rungs = [/stored/, /flora/, / +delivered .*/, / +received .*/, / +started .*/, new RegExp(` +answered .* with ${answer.id}`)];
    assert.match(await operator(`trace ${id}`), new RegExp(rungs.map((it) => it.source).join("\\n")));
    t.diagnostic(`from two invites to an answer: ${Math.round((performance.now() - began) / 1000)} s`);
  });

  test("a message that the command line waits for is answered as it is watched", async () => {
    assert.match(await nils("bot-hub send '#garden' 'SAY I am well' --wait answered --timeout 2m"), /I am well/);
  });
});
