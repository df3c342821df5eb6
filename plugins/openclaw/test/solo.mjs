// One real gateway with two accounts, the real hub, and a model that does as it is told.
//
//   node --test test/solo.mjs     with HUB, OPENCLAW and PLUGIN in the environment

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { trace, unaccounted } from "./audit.mjs";
import { setTimeout as pause } from "node:timers/promises";
import { Bot } from "./bot.mjs";
import { Gateway } from "./gateway.mjs";
import { startHub } from "./hub.mjs";
import { startModel } from "./model.mjs";

const { HUB, OPENCLAW, PLUGIN, KEEP } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-solo-"));
let hub, model, gateway, tester;

/** Waits until a message of a bot has come to its end for alice. */
async function settled({ id, from }) {
  for (const end = Date.now() + 120_000; Date.now() < end; ) {
    const { recipients } = await trace(hub, { id, from });
    if (["answered", "done", "declined", "failed"].includes(recipients.find((it) => it.bot === "alice")?.state)) return;
    await pause(100);
  }
  throw new Error(`${id} did not come to an end`);
}

describe("one gateway with two accounts", { timeout: 900_000 }, () => {
  before(async () => {
    model = await startModel();
    hub = await startHub({ binary: HUB, dir: join(dir, "hub"), bots: ["alice", "bob", "tester"] });
    tester = await Bot.connect(hub.url, "tok-tester", ["lab", "duo"]);
    gateway = new Gateway({
      openclaw: OPENCLAW,
      plugin: PLUGIN,
      dir,
      modelUrl: model.url,
      agents: { alice: "alice", bob: "bob" },
      env: { BOB_TOKEN: "tok-bob" },
      channel: {
        url: hub.url,
        allowFrom: ["tester", "alice", "bob"],
        bogus: "a mistake must not keep the gateway from starting",
        accounts: { alice: { token: "tok-alice", rooms: ["lab", "duo"] }, bob: { token: { source: "env", provider: "default", id: "BOB_TOKEN" }, rooms: ["lab"] } },
      },
    });
    await gateway.start();
    for (const bot of ["alice", "bob"]) await tester.until((it) => it.type === "presence" && it.bot === bot, { what: `${bot} is there` });
  });
  after(async () => {
    await gateway?.stop();
    tester?.close();
    await hub?.stop();
    await model?.stop();
    if (KEEP) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  });

  test("a message gets an answer that is tied to it, and every receipt on the way", async () => {
    const id = tester.say("lab", "@alice SAY hello from alice");
    const answer = await tester.answer(id);
    assert.equal(answer.from, "alice");
    assert.equal(answer.text, "hello from alice");
    const end = await tester.receipt(id, "alice", "answered");
    assert.equal(end.reply, answer.id);
    const states = tester.frames.filter((it) => it.type === "receipt" && it.id === id && it.bot === "alice").map((it) => it.state);
    assert.deepEqual(states, ["delivered", "received", "started", "answered"]);
  });

  test("who is not addressed in a room of three stays silent and says so", async () => {
    const id = tester.say("lab", "@alice SAY only me");
    const receipt = await tester.receipt(id, "bob", "declined");
    assert.equal(receipt.reason, "not addressed to this bot");
  });

  test("the agent sees who speaks, is told not to trust it, and has no host tools", async () => {
    const id = tester.say("lab", "@bob SAY seen");
    await tester.answer(id);
    const request = model.requests.findLast((it) => it.prompt.includes("SAY seen"));
    assert.match(request.prompt, /\[tester in room lab, just now[;\]]/);
    assert.match(request.system, /bots of other owners/);
    for (const tool of ["exec", "write", "edit", "apply_patch", "process"]) assert.ok(!request.tools.includes(tool), tool);
    assert.ok(request.tools.includes("bot_hub_ask"), request.tools.join());
  });

  test("three messages during a turn get three answers, each tied to its own", async () => {
    const ids = [1, 2, 3].map((n) => tester.say("duo", `SLOW 700 SAY answer ${n}`));
    for (const [at, id] of ids.entries()) {
      const answer = await tester.answer(id);
      assert.equal(answer.text, `answer ${at + 1}`);
      await tester.receipt(id, "alice", "answered");
    }
  });

  test("nothing to say is silence and `done`", async () => {
    const id = tester.say("duo", "SILENT please");
    await tester.receipt(id, "alice", "done");
    assert.ok(!tester.frames.some((it) => it.type === "message" && it.reply_to === id));
  });

  test("slash commands of other bots are words", async () => {
    const id = tester.say("duo", "/status SAY not a command");
    assert.equal((await tester.answer(id)).text, "not a command");
  });

  test("a direct message gets its answer in the direct conversation", async () => {
    const id = tester.say("@alice", "SAY just us");
    const answer = await tester.answer(id);
    assert.equal(answer.room, "dm:alice:tester");
    assert.equal(answer.text, "just us");
  });

  test("a request block becomes plain language, and its answer a RESPONSE", async () => {
    const block = ["```", "[REQUEST → @alice]", "From: tester", "RequestId: tester-abc123", "Task: SAY it is v2.1", "Depth: 2/5", "```"].join("\n");
    const id = tester.say("lab", block);
    const answer = await tester.answer(id);
    assert.match(answer.text, /\[RESPONSE → @tester\]/);
    assert.match(answer.text, /RequestId: tester-abc123\nStatus: done\nResult: it is v2\.1\nDepth: 3\/5/);
    const { prompt } = model.requests.findLast((it) => it.prompt.includes("v2.1"));
    assert.match(prompt, /tester asks alice: SAY it is v2\.1/);
    assert.doesNotMatch(prompt, /\[REQUEST|RequestId|Depth:/);
  });

  test("one bot asks another through the tool and gets the answer in the same call", async () => {
    const call = JSON.stringify({ bot: "bob", task: "SAY forty-two", room: "lab" });
    const id = tester.say("lab", `@alice CALL bot_hub_ask ${call}`);
    const answer = await tester.answer(id);
    assert.match(answer.text, /bob answers alice: forty-two/);
  });

  test("an answer that comes late is read, and what the agent says about it stays with it", async () => {
    const call = JSON.stringify({ bot: "bob", task: "SAY SAY this must not leak", room: "lab", wait_seconds: 0 });
    tester.say("lab", `@alice CALL bot_hub_ask ${call}`);
    const late = await tester.until((it) => it.type === "message" && it.from === "bob" && it.text.includes("Result: SAY this must not leak"));
    await settled(late);
    assert.ok(model.requests.some((it) => it.prompt.includes("bob answers alice: SAY this must not leak")));
    assert.ok(!tester.frames.some((it) => it.type === "message" && it.text === "this must not leak"));
  });

  test("an agent asks back, and answers the request when it knows", async () => {
    const head = (kind, id) => ["```", `[${kind} → @alice]`, "From: tester", `RequestId: ${id}`];
    const call = JSON.stringify({ question: "which one?" });
    tester.say("lab", [...head("REQUEST", "tester-clar01"), `Task: CALL bot_hub_clarify ${call}`, "Depth: 1/5", "```"].join("\n"));
    const asked = await tester.until((it) => it.type === "message" && it.from === "alice" && it.text.includes("[CLARIFY → @tester]"));
    assert.match(asked.text, /RequestId: tester-clar01\nQuestion: which one\?\nDepth: 2\/5/);
    const id = tester.say("lab", [...head("RESPONSE", "tester-clar01"), "Status: done", "Result: SAY the red one", "Depth: 3/5", "```"].join("\n"), { reply_to: asked.id });
    const answer = await tester.answer(id);
    assert.match(answer.text, /\[RESPONSE → @tester\]\nFrom: alice\nRequestId: tester-clar01\nStatus: done\nResult: the red one\nDepth: 4\/5/);
    assert.ok(!tester.messages("alice").some((it) => it.text.startsWith("RESULT") && it.text.includes("the answer will arrive")));
  });

  test("a broadcast is noted, and nobody answers it", async () => {
    const id = tester.say("lab", ["```", "[BROADCAST → @all]", "From: tester", "RequestId: tester-news01", "Message: SAY nothing to this", "```"].join("\n"));
    assert.equal((await tester.receipt(id, "alice", "done")).reason, "noted");
    assert.equal((await tester.receipt(id, "bob", "done")).reason, "noted");
  });

  test("a message can be sent by the gateway method, and its id is the hub's", async () => {
    const sent = await gateway.call("send", { channel: "bot-hub", accountId: "alice", agentId: "alice", to: "room:lab", message: "out of the blue", idempotencyKey: "k1" });
    const got = await tester.until((it) => it.type === "message" && it.text === "out of the blue");
    assert.equal(got.from, "alice");
    assert.equal(sent.messageId ?? sent.result?.messageId, got.id);
  });

  test("the configuration's mistake is in the status", async () => {
    const { stdout } = await gateway.run(["channels", "status"]);
    assert.match(stdout, /channels\.bot-hub\.bogus/);
  });

  test("`bot-hub trace` tells the end of every message that anybody sent", async () => {
    const { open, count } = await unaccounted(hub);
    assert.deepEqual(open, []);
    assert.ok(count > 20, `${count} messages`);
  });
});
