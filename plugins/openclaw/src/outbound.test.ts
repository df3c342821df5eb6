import assert from "node:assert/strict";
import { test } from "node:test";
import { HubRefusal } from "./errors.ts";
import { resolveAccount } from "./config.ts";
import { memoryFile } from "./file.ts";
import type { HubClient } from "./hub-client.ts";
import type { LiveAccount } from "./live.ts";
import { readTarget, say } from "./outbound.ts";
import type { Draft } from "./outbox.ts";
import { Requests } from "./requests.ts";
import { Turns } from "./turns.ts";

/** An account whose hub stores everything, or refuses it. */
function account(refusal?: HubRefusal) {
  const sent: Draft[] = [];
  const client = {
    bot: "me",
    async send(draft: Draft) {
      if (refusal !== undefined) throw refusal;
      sent.push(draft);
      return { room: draft.room ?? `dm:${draft.to}:me`, id: draft.id, seq: sent.length, delivered: 1 };
    },
  };
  const live: LiveAccount = {
    account: resolveAccount({}, null, {}),
    client: client as unknown as HubClient,
    turns: new Turns(memoryFile(), () => {}),
    requests: new Requests(memoryFile()),
    said: new Set(),
    refusals: new Set(),
    typing: new Map(),
  };
  return { live, sent };
}

const lab = { kind: "room", room: "lab" } as const;
const entry = { id: "e1", room: "lab", from: "bob", seq: 1 };
const request = {
  requestId: "bob-abc123", entry: "e1", room: "lab", replyTo: "bob", task: "count", depth: { current: 2, max: 5 }, at: Date.now(),
};

test("the answer to a request leaves as a RESPONSE, once", async () => {
  const { live, sent } = account();
  live.requests.asked(request);
  await say(live, { target: lab, text: "three", replyTo: "e1" });
  await say(live, { target: lab, text: "and thanks", replyTo: "e1" });
  assert.match(sent[0]?.text ?? "", /\[RESPONSE → @bob\]\nFrom: me\nRequestId: bob-abc123\nStatus: done\nResult: three\nDepth: 3\/5/);
  assert.equal(sent[0]?.reply_to, "e1");
  assert.equal(sent[1]?.text, "and thanks");
});

test("what is said on the way leaves as a partial answer, and the request stays open", async () => {
  const { live, sent } = account();
  live.requests.asked(request);
  await say(live, { target: lab, text: "working", replyTo: "e1", final: false });
  assert.match(sent[0]?.text ?? "", /Status: partial/);
  assert.ok(live.requests.byEntry("e1"));
});

test("after a restart an answer without a reference belongs to the interrupted turn, one elsewhere does not", async () => {
  const { live, sent } = account();
  const file = memoryFile();
  new Turns(file, () => {}).receive(entry);
  live.turns = new Turns(file, () => {});
  await say(live, { target: { kind: "room", room: "other" }, text: "x" });
  await say(live, { target: { kind: "room", room: "other" }, text: "y", replyTo: "e1" });
  await say(live, { target: lab, text: "z" });
  assert.deepEqual(sent.map((it) => it.reply_to), [undefined, undefined, "e1"]);
});

test("a message to a bot is a direct one", async () => {
  const { live, sent } = account();
  const said = await say(live, { target: { kind: "bot", bot: "bob" }, text: "hi", id: "m1" });
  assert.deepEqual(sent, [{ to: "bob", id: "m1", text: "hi" }]);
  assert.deepEqual([said.room, said.to, said.later], ["dm:bob:me", "bot:bob", undefined]);
});

test("a wrong target fails with what to write instead", async () => {
  assert.throws(() => readTarget("bob"), /`bob` is neither a room nor a bot; hint: write `room:bob` for a room or `bot:bob` for a bot/);
  const error = { code: 3004, name: "wrong_kind", message: "`bob` is a bot, not a room", hint: "did you mean `to: bob`?", retry: "after_fix" as const };
  const { live } = account(new HubRefusal(error));
  await assert.rejects(say(live, { target: lab, text: "x" }), /bot-hub: `bob` is a bot, not a room; hint: did you mean `to: bob`\?/);
});
