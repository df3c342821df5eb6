import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, type HubClient, HubRefusal, memoryFile } from "../client/index.js";
import { resolveAccount } from "./config.ts";
import { entryKey } from "./entry-key.ts";
import type { LiveAccount } from "./live.ts";
import { readTarget, say } from "./outbound.ts";
import { plainHint } from "./plain-hint.ts";
import { Loops } from "./loops.ts";
import { Pauses } from "./pauses.ts";
import { Requests } from "./requests.ts";
import { Turns } from "./turns.ts";

/** An account whose hub stores everything, or refuses it. */
function account(refusal?: HubRefusal) {
  const sent: Draft[] = [];
  const client = {
    bot: "me",
    async sendAll(drafts: readonly Draft[]) {
      if (refusal !== undefined) throw refusal;
      sent.push(...drafts);
      return drafts.map((draft) => ({ room: draft.room ?? `dm:${draft.to}:me`, id: draft.id, seq: sent.length, delivered: 1 }));
    },
  };
  const live: LiveAccount = {
    account: resolveAccount({}, null, {}),
    client: client as unknown as HubClient,
    turns: new Turns(memoryFile(), () => {}),
    requests: new Requests(memoryFile()),
    said: new Set(),
    refusals: new Set(),
    typing: new Map(), loops: new Loops(memoryFile()), pauses: new Pauses(), wake: () => {},
  };
  return { live, sent };
}

const lab = { kind: "room", room: "lab" } as const;
const entry = { id: "e1", room: "lab", from: "bob", seq: 1 };
const KEY = entryKey(entry);
const request = {
  requestId: "bob-abc123", entry: KEY, room: "lab", replyTo: "bob", task: "count", depth: { current: 2, max: 5 }, at: Date.now(),
};

test("the answer to a request leaves as a RESPONSE, once", async () => {
  const { live, sent } = account();
  live.requests.asked(request);
  await say(live, { target: lab, text: "three", replyTo: KEY });
  await say(live, { target: lab, text: "and thanks", replyTo: KEY });
  assert.match(sent[0]?.text ?? "", /\[RESPONSE → @bob\]\nFrom: me\nRequestId: bob-abc123\nStatus: done\nResult: three\nDepth: 3\/5/);
  assert.equal(sent[0]?.reply_to, "e1");
  assert.equal(sent[1]?.text, "and thanks");
});

test("what is said on the way leaves as a partial answer, and the request stays open", async () => {
  const { live, sent } = account();
  live.requests.asked(request);
  await say(live, { target: lab, text: "working", replyTo: KEY, final: false });
  assert.match(sent[0]?.text ?? "", /Status: partial/);
  assert.ok(live.requests.byEntry(KEY));
});

test("after a crash only the words of the interrupted session are its answer", async () => {
  const { live, sent } = account();
  const file = memoryFile();
  new Turns(file, () => {}).receive([entry]);
  live.turns = new Turns(file, () => {});
  live.requests.asked(request);
  await say(live, { target: lab, text: "good morning from cron", sessionKey: "agent:main:cron:1" });
  await say(live, { target: lab, text: "out of the blue" });
  await say(live, { target: { kind: "room", room: "other" }, text: "y", replyTo: KEY });
  await say(live, { target: lab, text: "three", sessionKey: "agent:main:bot-hub:group:lab" });
  assert.deepEqual(sent.map((it) => it.reply_to), [undefined, undefined, undefined, "e1"]);
  assert.deepEqual(sent.map((it) => it.text.includes("RequestId")), [false, false, false, true]);
});

test("requests that are read in one turn are each answered under their own id", async () => {
  const { live, sent } = account();
  const second = { id: "e2", room: "lab", from: "carol", seq: 2 };
  live.turns.receive([entry, second]);
  live.requests.asked(request);
  live.requests.asked({ ...request, requestId: "carol-xyz789", entry: entryKey(second), replyTo: "carol" });
  await say(live, { target: lab, text: "three", replyTo: entryKey(second) });
  assert.deepEqual(sent.map((it) => [/RequestId: (.*)/.exec(it.text)?.[1], it.reply_to]), [["bob-abc123", "e1"], ["carol-xyz789", "e2"]]);
});

test("a long answer leaves in parts that are tied to its message, and the last part of a RESPONSE ends it", async () => {
  const { live, sent } = account();
  Object.assign(live.client, { limits: { text_bytes: 3000, frame_bytes: 6000 } });
  live.requests.asked(request);
  const words = Array.from({ length: 400 }, (_, n) => `word${n}`).join(" ");
  await say(live, { target: lab, text: words, replyTo: KEY });
  assert.ok(sent.length > 2, `${sent.length} parts`);
  assert.deepEqual([...new Set(sent.map((it) => it.reply_to))], ["e1"]);
  const states = sent.map((it) => /Status: (\w+)/.exec(it.text)?.[1]);
  assert.deepEqual(states, [...sent.slice(1).map(() => "partial"), "done"]);
  assert.equal(new Set(sent.map((it) => it.id)).size, sent.length);
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
  const { live } = account(new HubRefusal(error, plainHint(error)));
  await assert.rejects(say(live, { target: lab, text: "x" }), /bot-hub: `bob` is a bot, not a room; hint: did you mean the bot `bob`\?/);
});
