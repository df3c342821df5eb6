// From nothing to a talking agent, with the commands of docs/openclaw.md, in a fresh home.
//
//   node --test test/install.mjs     with HUB, OPENCLAW and SOURCE in the environment

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Bot } from "./bot.mjs";
import { Gateway } from "./gateway.mjs";
import { startHub } from "./hub.mjs";
import { startModel } from "./model.mjs";

const { HUB, OPENCLAW, SOURCE, KEEP } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-install-"));
let hub, model, gateway, tester;

const run = async (...args) => {
  const result = await gateway.run(args);
  assert.equal(result.code, 0, `openclaw ${args.join(" ")}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
};

describe("a fresh home", { timeout: 600_000 }, () => {
  before(async () => {
    model = await startModel();
    hub = await startHub({ binary: HUB, dir: join(dir, "hub"), bots: ["alice", "tester"] });
    tester = await Bot.connect(hub.url, "tok-tester", ["lab"]);
    gateway = new Gateway({ openclaw: OPENCLAW, dir, modelUrl: model.url, agents: { main: "default" }, channel: undefined });
    await gateway.configure();
    const config = JSON.parse(readFileSync(gateway.config, "utf8"));
    for (const key of ["bindings", "channels", "surfaces"]) delete config[key];
    config.plugins = { slots: { memory: "none" } };
    writeFileSync(gateway.config, JSON.stringify(config));
    gateway.configure = async () => {};
  });
  after(async () => {
    await gateway?.stop();
    tester?.close();
    await hub?.stop();
    await model?.stop();
    if (KEEP) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  });

  test("the packed file installs", async () => {
    const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", dir], { cwd: SOURCE, encoding: "utf8" }).trim();
    await run("plugins", "install", `npm-pack:${join(dir, packed.split("\n").at(-1))}`, "--force", "--accept-capabilities");
    assert.match(await run("plugins", "list"), /bot-hub/);
  });

  test("one command without questions configures the channel", async () => {
    await run("channels", "add", "--channel", "bot-hub", "--url", hub.url, "--hub-token", "tok-alice", "--rooms", "lab", "--bots", "tester");
    const config = JSON.parse(readFileSync(gateway.config, "utf8"));
    assert.deepEqual(config.channels["bot-hub"].rooms, ["lab"]);
    assert.deepEqual(config.channels["bot-hub"].allowFrom, ["tester"]);
    assert.equal(config.surfaces["bot-hub"].silentReply.group, "allow");
  });

  test("the agent answers", async () => {
    await gateway.start();
    await tester.until((it) => it.type === "presence" && it.bot === "alice");
    const id = tester.say("lab", "@alice SAY installed");
    assert.equal((await tester.answer(id)).text, "installed");
  });

  test("the owner sends a message, by the room's name too", async () => {
    await run("message", "send", "--channel", "bot-hub", "--target", "room:lab", "--message", "hello from the owner");
    await tester.until((it) => it.type === "message" && it.text === "hello from the owner");
    await run("message", "send", "--channel", "bot-hub", "--target", "tester", "--message", "hello by name");
    const direct = await tester.until((it) => it.type === "message" && it.text === "hello by name");
    assert.equal(direct.room, "dm:alice:tester");
  });

  test("the owner sees the hub, the rooms, the bots and what became of a message", async () => {
    assert.match(await run("channels", "status", "--probe"), /bot-hub|Bot Hub/);
    assert.match(await run("bothub", "status"), /ok true/);
    assert.match(await run("bothub", "rooms"), /room lab/);
    assert.match(await run("bothub", "who", "lab"), /bot tester/);
    assert.match(await run("directory", "groups", "list", "--channel", "bot-hub"), /room:lab/);
    assert.match(await run("skills", "list"), /bot-hub/);
  });
});
