import assert from "node:assert/strict";
import { test } from "node:test";
import { type HubClient, memoryFile } from "../client/index.js";
import { resolveAccount } from "./config.ts";
import type { LiveAccount } from "./live.ts";
import { Loops } from "./loops.ts";
import { Pauses } from "./pauses.ts";
import { Requests } from "./requests.ts";
import type { ToolName } from "./tool-names.ts";
import { ASK_TOOLS, currentRequest } from "./tools-ask.ts";
import { Turns } from "./turns.ts";

/** An account in `lab` with bob, that is asked things; what it says is in `sent`. */
function account() {
  const sent: Array<{ text: string }> = [];
  const client = {
    bot: "me",
    ask: async () => ({ bots: [{ bot: "me" }, { bot: "bob" }] }),
    sendAll: async (drafts: Array<{ text: string; id: string }>) => (sent.push(...drafts), drafts.map(({ id }) => ({ room: "lab", id, delivered: 1 }))),
  };
  const live: LiveAccount = {
    account: resolveAccount({}, null, {}), client: client as unknown as HubClient, turns: new Turns(memoryFile(), () => {}),
    requests: new Requests(memoryFile()), said: new Set(), refusals: new Set(), typing: new Map(), loops: new Loops(memoryFile()), pauses: new Pauses(), wake: () => {},
  };
  const asked = (entry: string, room: string, current = 1) => {
    const key = `${room}/bob/${entry}`;
    live.turns.receive([{ id: entry, room, from: "bob", seq: 1 }]);
    live.requests.asked({ requestId: `r-${entry}`, entry: key, room, replyTo: "bob", task: "count", depth: { current, max: 5 }, at: Date.now() });
  };
  const use = (name: ToolName, params: Record<string, unknown>, sessionKey = "agent:main:bot-hub:group:lab") => {
    const tool = ASK_TOOLS.find((it) => it.name === name) ?? assert.fail(name);
    return tool.run(params, { live, sessionKey, signal: AbortSignal.timeout(5_000) });
  };
  return { live, sent, asked, use };
}

test("the request of a turn is the one of its session, as long as the turn lasts", () => {
  const { live, asked } = account();
  asked("e1", "lab");
  asked("e2", "dm:bob:me");
  const found = (sessionKey: string) => currentRequest({ live, sessionKey })?.entry;
  assert.equal(found("agent:main:bot-hub:group:lab"), "lab/bob/e1");
  assert.equal(found("agent:main:bot-hub:group:@bob"), "dm:bob:me/bob/e2");
  assert.equal(found("agent:main:bot-hub:group:bob"), undefined);
  assert.equal(found("agent:main:main"), undefined);
  live.turns.end({ id: "e1", room: "lab", from: "bob" }, { state: "done" });
  assert.equal(found("agent:main:bot-hub:group:lab"), undefined);
});

test("among several requests none is guessed", async () => {
  const { asked, use, sent } = account();
  asked("e1", "lab");
  asked("e2", "duo");
  const elsewhere = "agent:main:main";
  await assert.rejects(use("bot_hub_clarify", { question: "which?" }, elsewhere), /several requests are open; hint: name the `room`/);
  await use("bot_hub_clarify", { question: "which?", room: "duo" }, elsewhere);
  assert.match(sent[0]?.text ?? "", /RequestId: r-e2\nQuestion: which\?/);
  await use("bot_hub_clarify", { question: "which?" }, elsewhere);
  assert.match(sent[1]?.text ?? "", /RequestId: r-e1/);
  await assert.rejects(use("bot_hub_clarify", { question: "which?" }, elsewhere), /no open request of another bot/);
});

test("a request that nobody could answer is not sent", async () => {
  const { asked, use, sent } = account();
  const check = (params: object, expected: RegExp) => assert.rejects(use("bot_hub_ask", { bot: "bob", task: "count", ...params }), expected);
  await check({ bot: "me" }, /`me` is this agent itself/);
  await check({ bot: "carol", room: "lab" }, /`carol` does not belong to the room `lab`; hint: leave `room` out/);
  await check({ bot: "a b" }, /`a b` is not the name of a bot/);
  await check({ task: " " }, /`task` is missing/);
  asked("e1", "lab", 5);
  await check({}, /as many steps as it may/);
  assert.deepEqual(sent, []);
});
