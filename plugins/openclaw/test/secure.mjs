// A gateway whose hub has a certificate of a private authority, whose tokens are secrets, and one of whose
// bots is talked to by somebody that its owner does not know yet.
//
//   node --test test/secure.mjs     with HUB, OPENCLAW and PLUGIN in the environment, and openssl in the PATH

import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { unaccounted } from "./audit.mjs";
import { Bot } from "./bot.mjs";
import { Gateway } from "./gateway.mjs";
import { startHub } from "./hub.mjs";
import { startModel } from "./model.mjs";
import { privateAuthority } from "./wire.mjs";

const { HUB, OPENCLAW, PLUGIN, KEEP } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-secure-"));
const at = (name) => join(dir, name);
let authority, hub, model, gateway, tester;

/** Where the tokens of bob and carol lie; alice's is in the environment, dave's nowhere. */
function secrets() {
  writeFileSync(at("tokens.json"), JSON.stringify({ bob: "tok-bob" }), { mode: 0o600 });
  const script = "#!/bin/sh\ncat >/dev/null\necho '{\"protocolVersion\":1,\"values\":{\"carol\":\"tok-carol\"}}'\n";
  writeFileSync(at("vault"), script, { mode: 0o700 });
  chmodSync(at("vault"), 0o700);
  return { providers: { tokens: { source: "file", path: at("tokens.json"), mode: "json" }, vault: { source: "exec", command: at("vault") } } };
}

const run = async (...args) => {
  const result = await gateway.run(args);
  assert.equal(result.code, 0, `openclaw ${args.join(" ")}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
};

describe("secrets, wss and strangers", { timeout: 3_600_000 }, () => {
  before(async () => {
    authority = privateAuthority(dir);
    model = await startModel();
    hub = await startHub({ binary: HUB, dir: at("hub"), bots: ["alice", "bob", "carol", "tester"], tls: authority.tls });
    tester = await Bot.connect(hub.url, "tok-tester", ["lab"]);
    cpSync(PLUGIN, at("plugin"), { recursive: true });
    gateway = new Gateway({
      openclaw: OPENCLAW, plugin: at("plugin"), dir, modelUrl: model.url,
      agents: { alice: "alice", bob: "bob", carol: "carol", dave: "dave" },
      env: { NODE_EXTRA_CA_CERTS: authority.ca, ALICE_TOKEN: "tok-alice" },
      more: { secrets: secrets() },
      channel: {
        url: hub.secureUrl, rooms: ["lab"], dmPolicy: "pairing", groupAllowFrom: ["tester"],
        accounts: {
          alice: { token: { source: "env", provider: "default", id: "ALICE_TOKEN" } },
          bob: { token: { source: "file", provider: "tokens", id: "/bob" } },
          carol: { token: { source: "exec", provider: "vault", id: "carol" } },
          dave: { token: { source: "env", provider: "default", id: "DAVE_TOKEN" } },
        },
      },
    });
    // One of its accounts never gets ready.
    await gateway.start({ until: "healthz" });
  });
  after(async () => {
    await gateway?.stop();
    tester?.close();
    await hub?.stop();
    await model?.stop();
    if (KEEP) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  });

  for (const [bot, source] of [["alice", "the environment"], ["bob", "a file"], ["carol", "a program"]]) {
    test(`a token from ${source} connects over wss to a private authority`, async () => {
      await tester.until((it) => it.type === "presence" && it.bot === bot, { ms: 120_000, what: `${bot} is there` });
      const id = tester.say("lab", `@${bot} SAY hello from ${bot}`);
      assert.equal((await tester.answer(id, { ms: 120_000 })).text, `hello from ${bot}`);
    });
  }

  test("a secret that is not there is the trouble of its account alone, and said so", async () => {
    const said = await run("channels", "status");
    assert.match(said, /dave.*/);
    assert.match(said, /DAVE_TOKEN|token could not be read|secret/i);
  });

  test("a bot that nobody admitted gets a code, once, and its words are not read", async () => {
    const id = tester.say("@alice", "SAY let me in");
    const answer = await tester.answer(id, { ms: 120_000 });
    assert.match(answer.text, /does not talk with tester yet.*openclaw pairing approve bot-hub [A-Z0-9]{8}/);
    assert.match((await tester.receipt(id, "alice", "declined")).reason, /has not admitted the sender; a pairing code was sent/);
    const again = tester.say("@alice", "SAY please");
    assert.match((await tester.receipt(again, "alice", "declined")).reason, /a pairing code waits for the owner's approval/);
    assert.ok(!tester.frames.some((it) => it.type === "message" && it.reply_to === again));
    assert.ok(!model.requests.some((it) => it.prompt.includes("let me in")));
  });

  test("the owner approves it, and it is answered without being the owner", async () => {
    const { requests } = JSON.parse(await run("pairing", "list", "bot-hub", "--json"));
    const [{ code, id: bot }] = requests;
    assert.equal(bot, "tester");
    await run("pairing", "approve", "bot-hub", code, "--account", "alice");
    // OpenClaw makes the first sender that it approves its command owner.
    assert.deepEqual(gateway.written().commands.ownerAllowFrom, ["bot-hub:tester"]);
    const id = tester.say("@alice", "SAY thank you");
    assert.equal((await tester.answer(id, { ms: 120_000 })).text, "thank you");
    const { tools } = model.requests.findLast((it) => it.prompt.includes("SAY thank you"));
    for (const tool of ["conversations_turn", "gateway", "cron", "exec", "secrets"]) assert.ok(!tools.includes(tool), tool);
  });

  test("approved in the Control UI, the bot is told so", async () => {
    const id = tester.say("@bob", "SAY let me in here, too");
    await tester.receipt(id, "bob", "declined");
    const bobs = { channel: "bot-hub", accountId: "bob" };
    const { requests } = await gateway.call("channels.pairing.list", bobs);
    const { notification } = await gateway.call("channels.pairing.approve", { ...bobs, requestId: requests[0].requestId, notify: true });
    assert.equal(notification, "sent");
    await tester.until((it) => it.type === "message" && it.from === "bob" && /has allowed it to talk with you/.test(it.text));
  });

  test("code that is installed and does not run yet is in the status", async () => {
    const file = join(at("plugin"), "package.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...manifest, version: "9.9.9" }));
    const said = await run("channels", "status");
    assert.match(said, new RegExp(`version ${manifest.version} of the plugin runs, but 9\\.9\\.9 is installed`));
  });

  test("`bot-hub trace` tells the end of every message that anybody sent", async () => {
    const { open, count } = await unaccounted(hub);
    assert.deepEqual(open, []);
    assert.ok(count >= 9, `${count} messages`);
  });
});
