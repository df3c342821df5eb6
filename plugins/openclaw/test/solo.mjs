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
import { Bot, PATIENCE } from "./bot.mjs";
import { Gateway } from "./gateway.mjs";
import { startHub } from "./hub.mjs";
import { startModel } from "./model.mjs";

const { HUB, OPENCLAW, PLUGIN, KEEP } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-solo-"));
let hub, model, gateway, tester, stranger;

/** Waits until a message of a bot has come to its end for alice. */
async function settled({ id, from }) {
  for (const end = Date.now() + 120_000 * PATIENCE; Date.now() < end; ) {
    const { recipients } = await trace(hub, { id, from });
    if (["answered", "done", "declined", "failed"].includes(recipients.find((it) => it.bot === "alice")?.state)) return;
    await pause(100);
  }
  throw new Error(`${id} did not come to an end`);
}

describe("one gateway with two accounts", { timeout: 3_600_000 }, () => {
  before(async () => {
    model = await startModel();
    hub = await startHub({ binary: HUB, dir: join(dir, "hub"), bots: ["alice", "bob", "tester", "stranger"] });
    tester = await Bot.connect(hub.url, "tok-tester", ["lab", "duo", "duo2"]);
    stranger = await Bot.connect(hub.url, "tok-stranger", ["duo2"]);
    stranger.decline = "not today";
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
        accounts: { alice: { token: "tok-alice", rooms: ["lab", "duo", "duo2"] }, bob: { token: { source: "env", provider: "default", id: "BOB_TOKEN" }, rooms: ["lab"] } },
      },
    });
    await gateway.start();
    for (const bot of ["alice", "bob"]) await tester.until((it) => it.type === "presence" && it.bot === bot, { what: `${bot} is there` });
  });
  after(async () => {
    await gateway?.stop();
    tester?.close();
    stranger?.close();
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

  test("the agent sees who speaks, is told not to trust it, and has no tools of the machine", async () => {
    const id = tester.say("lab", "@bob SAY seen");
    await tester.answer(id);
    const request = model.requests.findLast((it) => it.prompt.includes("SAY seen"));
    assert.match(request.prompt, /\[tester in room lab, just now[;\]]/);
    assert.match(request.system, /bots of other owners/);
    for (const tool of ["exec", "write", "edit", "apply_patch", "process"]) assert.ok(!request.tools.includes(tool), tool);
    assert.ok(request.tools.includes("bot_hub_ask"), request.tools.join());
  });

  for (const count of [5, 12]) {
    test(`${count} messages during a turn are read in one turn, in their order, and each has a receipt that says so`, async () => {
      const first = tester.say("duo", "SLOW 1500 SAY busy");
      await tester.receipt(first, "alice", "started");
      const before = model.requests.length;
      const ids = Array.from({ length: count }, (_, n) => tester.say("duo", `SAY order ${n + 1} of ${count}`));
      const answer = await tester.answer(ids.at(-1));
      assert.equal(answer.text, `order ${count} of ${count}`);
      for (const id of ids) assert.equal((await tester.receipt(id, "alice", "answered")).reply, answer.id);
      const turns = model.requests.slice(before).filter((it) => it.prompt.includes(`of ${count}`));
      assert.equal(turns.length, 1);
      assert.match(turns[0].prompt, new RegExp(`\\[${count} messages waited in room duo`));
      for (const [at] of ids.entries()) assert.match(turns[0].prompt, new RegExp(`\\[${at + 1} of ${count}; tester; just now.*\\]\n> SAY order ${at + 1} of ${count}`));
    });
  }

  test("requests that wait together are each answered under their own id", async () => {
    const block = (id, task) => ["```", "[REQUEST → @alice]", "From: tester", `RequestId: ${id}`, `Task: ${task}`, "Depth: 1/5", "```"].join("\n");
    await tester.receipt(tester.say("duo", "SLOW 1500 SAY busy"), "alice", "started");
    const first = tester.say("duo", block("tester-both01", "count the trees"));
    const call = JSON.stringify({ id: first, text: "seven trees" });
    const second = tester.say("duo", block("tester-both02", `CALL bot_hub_answer ${call}`));
    assert.match((await tester.answer(first)).text, /RequestId: tester-both01\nStatus: done\nResult: seven trees/);
    assert.match((await tester.answer(second)).text, /RequestId: tester-both02\nStatus: done\nResult: RESULT/);
  });

  test("a request about which the agent stays silent ends in a RESPONSE that says so", async () => {
    const id = tester.say("duo", ["```", "[REQUEST → @alice]", "From: tester", "RequestId: tester-quiet1", "Task: SILENT please", "Depth: 1/5", "```"].join("\n"));
    assert.match((await tester.answer(id)).text, /RequestId: tester-quiet1\nStatus: failed\nResult: /);
  });

  test("whoever asks somebody that declines hears it at once", async () => {
    const began = Date.now();
    const call = JSON.stringify({ bot: "stranger", task: "anything", room: "duo2" });
    const answer = await tester.answer(tester.say("duo2", `@alice CALL bot_hub_ask ${call}`));
    assert.match(answer.text, /stranger will not answer: declined, with the reason .*not today/);
    assert.ok(Date.now() - began < 60_000);
  });

  test("the words around a block and a second block are read", async () => {
    const block = (id, task) => ["```", "[REQUEST → @alice]", "From: tester", `RequestId: ${id}`, `Task: ${task}`, "Depth: 1/5", "```"].join("\n");
    const id = tester.say("duo", `Good morning!\n${block("tester-two001", "one")}\nand also\n${block("tester-two002", "SAY both")}\nthanks`);
    for (const request of ["tester-two001", "tester-two002"]) {
      await tester.until((it) => it.type === "message" && it.reply_to === id && it.text.includes(request) && it.text.includes("Result: both"));
    }
    const { prompt } = model.requests.findLast((it) => it.prompt.includes("Good morning!"));
    for (const words of ["tester asks alice: one", "and also", "tester asks alice: SAY both", "thanks"]) assert.ok(prompt.includes(words), words);
  });

  test("the agent knows its name, who is in the room, and that none of them is a person", async () => {
    await tester.answer(tester.say("lab", "@alice SAY who am I"));
    const { system } = model.requests.findLast((it) => it.prompt.includes("who am I"));
    assert.match(system, /On this hub your name is `alice`/);
    assert.match(system, /besides you it has .*`bob`.*`tester`.*none of them is a person/);
  });

  test("what the agent says before it calls a tool is said, too, and a RESPONSE has it as a part", async () => {
    const id = tester.say("duo", "FIRST I will look CALL bot_hub_rooms {}");
    await tester.receipt(id, "alice", "answered");
    const said = () => tester.frames.filter((it) => it.type === "message" && it.reply_to === id).map((it) => it.text);
    assert.deepEqual([said()[0], said().length], ["I will look", 2]);
    const request = ["```", "[REQUEST → @alice]", "From: tester", "RequestId: tester-first1", "Task: FIRST I will look CALL bot_hub_rooms {}", "Depth: 1/5", "```"].join("\n");
    const asked = tester.say("duo", request);
    await tester.receipt(asked, "alice", "answered");
    const states = tester.frames.filter((it) => it.type === "message" && it.reply_to === asked).map((it) => /Status: (\w+)\nResult: (\S+)/.exec(it.text)?.slice(1, 3));
    assert.deepEqual(states, [["partial", "I"], ["done", "RESULT"]]);
  });

  test("a long answer leaves in parts that are in order and tied to its message", async () => {
    const id = tester.say("duo", "LONG 40000");
    const parts = () => tester.frames.filter((it) => it.type === "message" && it.reply_to === id);
    await tester.receipt(id, "alice", "answered");
    await tester.until(() => parts().length >= 2, { what: "two parts" });
    assert.deepEqual(parts().map((it) => it.text.slice(0, 8)), ["(1 of 2)", "(2 of 2)"]);
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
