import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, type Entry, type HubClient, memoryFile, type Question, type Report } from "../client/index.js";
import { resolveAccount } from "./config.ts";
import { Inbound, type InboundOptions } from "./inbound.ts";
import { liveAccounts, type LiveAccount } from "./live.ts";
import { Loops } from "./loops.ts";
import { Pauses } from "./pauses.ts";
import { Requests } from "./requests.ts";
import { Turns } from "./turns.ts";

type Dispatch = InboundOptions["runtime"]["channel"]["inbound"]["dispatch"];
const LINE = 100;

/** An account in `lab` with bob and, if wanted, carol. Its agent answers every turn with `hello`, one at a time when `go` is called. */
function account({ crowd = false, log = [] as Entry[], turns: max = 30, troubles = [] as Error[], tellOwner = (_: string) => {}, file = memoryFile() } = {}) {
  const reports: Report[] = [];
  const sent: Draft[] = [];
  const turns: Array<{ body: string; go: (text: string) => void }> = [];
  const bots = ["me", "bob", ...(crowd ? ["carol"] : [])];
  const ask = async (question: Question): Promise<unknown> => {
    if (question.type === "who") return { bots: bots.map((bot) => ({ bot, state: "online" })) };
    if (question.type !== "history") throw new Error(`nobody asked for ${question.type}`);
    const fits = log.filter((it) => it.seq > (question.after ?? 0) && it.seq < (question.before ?? Infinity));
    return { entries: question.after === undefined ? fits.slice(-(question.limit ?? LINE)) : fits.slice(0, question.limit), has_more: false };
  };
  const sendAll = async (drafts: readonly Draft[]) => {
    sent.push(...drafts);
    for (const draft of drafts) live.turns.reply(live.turns.keyOf("lab", draft.reply_to ?? "") ?? "", draft.id);
    return drafts.map(({ id }) => ({ room: "lab", id, delivered: 1 }));
  };
  const config = { channels: { "bot-hub": { allowFrom: ["bob", "carol"], turns: max } } };
  const live: LiveAccount = {
    account: resolveAccount(config, null, {}),
    client: { bot: "me", connected: true, ask, sendAll, presence: () => {}, typing: () => {} } as unknown as HubClient,
    turns: new Turns(file, (it) => reports.push(it)), requests: new Requests(memoryFile()), said: new Set(), refusals: new Set(),
    typing: new Map(), loops: new Loops(memoryFile()), pauses: new Pauses(), wake: (room) => inbound.wake(room),
  };
  liveAccounts.set("default", live);
  const noted = new Set<string>();
  const dispatch = async ({ turnAdoptionLifecycle, delivery, ctxPayload }: Parameters<Dispatch>[0]) => {
    const trouble = troubles.shift();
    if (trouble !== undefined) throw trouble;
    // OpenClaw notes a message before the channel adopts it, and passes it over when it comes again.
    const message = String(Reflect.get(ctxPayload, "messageId"));
    if (noted.has(message)) return { dispatched: true };
    noted.add(message);
    await turnAdoptionLifecycle?.onAdopted?.();
    const text = await new Promise<string>((go) => turns.push({ body: String(Reflect.get(ctxPayload, "body")), go }));
    await delivery.deliver?.({ text }, { kind: "final" });
    return { dispatched: true };
  };
  const buildContext = ({ message, messageId }: { message: { bodyForAgent: string }; messageId: string }) => ({ body: message.bodyForAgent, messageId });
  const runtime = { channel: { inbound: { dispatch, buildContext } } } as unknown as InboundOptions["runtime"];
  const inbound = new Inbound({ config: () => ({}), account: live.account, live, runtime, signal: new AbortController().signal, log: () => {}, tellOwner });
  const ends = () => reports.filter((it) => !["received", "started"].includes(it.state)).map((it) => [it.id, it.state, it.reason].filter(Boolean).join(" "));
  const until = async (holds: () => boolean) => {
    for (let n = 0; !holds(); n++) {
      assert.ok(n < 2000, `it never came to this: ${String(holds)}; ${turns.length} turns, ${JSON.stringify(reports)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const said = () => reports.map((it) => `${it.id} ${it.state}`);
  return { live, inbound, turns, sent, ends, said, until };
}

const entry = (seq: number, text: string, more: Partial<Entry> = {}): Entry => ({ id: `e${seq}`, seq, room: "lab", from: "bob", text, age_ms: 0, ...more });

test("what comes during a turn is one turn, and each message hears what became of it", async () => {
  const { inbound, turns, ends, until } = account();
  inbound.take(entry(1, "first"));
  await until(() => turns.length === 1);
  for (const seq of [2, 3, 4]) inbound.take(entry(seq, `words ${seq}`));
  turns[0]?.go("hello");
  await until(() => turns.length === 2);
  assert.match(turns[1]?.body ?? "", /^\[3 messages waited in room lab.*words 2.*words 3.*words 4/s);
  turns[1]?.go("hello again");
  await until(() => ends().length === 4);
  assert.deepEqual(ends(), ["e1 answered", ...[2, 3, 4].map((seq) => `e${seq} answered read in one turn with 2 others`)]);
});

test("in a crowd only what is addressed begins a turn; the rest is its background, and says so", async () => {
  const { inbound, turns, ends, until } = account({ crowd: true, log: [entry(1, "alone"), entry(2, "beside")] });
  inbound.take(entry(1, "alone"));
  await until(() => ends().length === 1);
  assert.deepEqual(ends(), ["e1 declined not addressed to this bot"]);
  inbound.take(entry(2, "beside"));
  inbound.take(entry(3, "@me please", { from: "carol" }));
  await until(() => turns.length === 1);
  assert.match(turns[0]?.body ?? "", /Said before.*> bob: alone.*\[1 of 2; bob; just now; not to you\]\n> beside.*\[2 of 2; carol; just now; to you\]\n> @me please/s);
  turns[0]?.go("done");
  await until(() => ends().length === 3);
  assert.deepEqual(ends().slice(1), ["e2 done read as background: not addressed to this bot", "e3 answered read in one turn with 1 others"]);
});

test("what waits behind the hub's window is read with it, and has its receipt when it is delivered", async () => {
  const log = Array.from({ length: 20 }, (_, at) => entry(at + 1, `words ${at + 1}`));
  const { inbound, turns, ends, said, until } = account({ log });
  inbound.take(entry(1, "words 1", { backlog: { index: 1, total: 20 } }));
  await until(() => turns.length === 1);
  assert.match(turns[0]?.body ?? "", /^\[20 messages waited.*words 20/s);
  assert.ok(said().every((it) => it.startsWith("e1 ")), said().join());
  turns[0]?.go("hello");
  await until(() => ends().length === 1);
  for (const late of log.slice(1)) inbound.take(late);
  await until(() => ends().length === 20);
  assert.equal(turns.length, 1);
  assert.ok(ends().includes("e20 answered read in one turn with 19 others"));
});

test("a bot that is not admitted is refused, and its words are not shown", async () => {
  const { inbound, turns, ends, until } = account();
  inbound.take(entry(1, "let me in", { from: "eve" }));
  inbound.take(entry(2, "hi"));
  await until(() => turns.length === 1);
  assert.doesNotMatch(turns[0]?.body ?? "", /let me in/);
  turns[0]?.go("hello");
  await until(() => ends().length === 2);
  assert.deepEqual(ends(), ["e1 declined this bot's owner has not admitted the sender", "e2 answered"]);
});

test("a room that stands still begins no turn and sends no receipt, and goes on when it is lifted", async () => {
  const { inbound, live, turns, ends, until } = account({ turns: 1 });
  inbound.take(entry(1, "one"));
  await until(() => turns.length === 1);
  turns[0]?.go("hello");
  await until(() => ends().length === 1);
  for (const seq of [2, 3]) inbound.take(entry(seq, `words ${seq}`));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([turns.length, ends().length, live.loops.stops().length], [1, 1, 1]);
  live.loops.resume("lab");
  live.wake("lab");
  await until(() => turns.length === 2);
  assert.match(turns[1]?.body ?? "", /2 messages waited/);
  turns[1]?.go("hello");
  await until(() => ends().length === 3);
});

const answer = (from: string, id = "me-abc123") => ["```", "[RESPONSE → @me]", `From: ${from}`, `RequestId: ${id}`, "Status: done", `Result: ${from} did it`, "```"].join("\n");
const handoff = (by: string, to: string) => ["```", `[HANDOFF → @${to}]`, `From: ${by}`, "RequestId: me-abc123", "Task: do it", "Callback: me", "```"].join("\n");

test("a bot that reads along cannot answer in the place of the one that was asked", async () => {
  const { live, inbound, turns, until } = account({ crowd: true });
  live.requests.ask({ requestId: "me-abc123", to: "bob", room: "lab", task: "x", depth: { current: 1, max: 5 }, at: Date.now() });
  const waiting = live.requests.wait("me-abc123", new AbortController().signal);
  inbound.take(entry(1, answer("carol"), { from: "carol" }));
  inbound.take(entry(2, answer("bob"), { from: "carol" }));
  inbound.take(entry(3, handoff("carol", "carol"), { from: "carol" }));
  inbound.take(entry(4, answer("carol"), { from: "carol" }));
  await until(() => turns.length === 1);
  assert.match(turns[0]?.body ?? "", /> carol answers me: carol did it.*> carol \(signing as bob\) answers me: bob did it/s);
  inbound.take(entry(5, answer("bob")));
  assert.deepEqual((await waiting).parts, ["bob answers me: bob did it\n(message e5)"]);
});

test("a bot that got the request handed on answers in the place of the one that was asked", async () => {
  const { live, inbound } = account({ crowd: true });
  live.requests.ask({ requestId: "me-abc123", to: "bob", room: "lab", task: "x", depth: { current: 1, max: 5 }, at: Date.now() });
  const waiting = live.requests.wait("me-abc123", new AbortController().signal);
  inbound.take(entry(1, handoff("bob", "carol")));
  inbound.take(entry(2, answer("carol"), { from: "carol" }));
  assert.deepEqual((await waiting).parts, ["carol answers me: carol did it\n(message e2)"]);
});

const request = (n: number) => ["```", "[REQUEST → @me]", "From: bob", `RequestId: bob-abc${n}`, `Task: count ${n}`, "```"].join("\n");

test("one message with a thousand requests is answered twenty times, and its receipt says so", async () => {
  const { inbound, turns, sent, ends, until } = account();
  inbound.take(entry(1, Array.from({ length: 1000 }, (_, n) => request(n + 1000)).join("\n")));
  await until(() => turns.length === 1);
  turns[0]?.go("hello");
  await until(() => ends().length === 1);
  assert.equal(sent.length, 20);
  assert.deepEqual(ends(), ["e1 answered the first 20 of its requests are answered under their own ids, and 980 more are not"]);
});

test("a flood of giant messages is several turns, each message is whole in one of them, and none is lost", async () => {
  const { inbound, turns, ends, until } = account();
  for (let seq = 1; seq <= 9; seq++) inbound.take(entry(seq, `@me ${seq} ${"x".repeat(60_000)}`));
  for (let n = 0; n < 5; n++) {
    await until(() => turns.length === n + 1);
    assert.ok((turns[n]?.body.length ?? 0) < 200_000, `${turns[n]?.body.length}`);
    turns[n]?.go("hello");
  }
  await until(() => ends().length === 9);
  assert.deepEqual(ends().map((it) => it.split(" ")[0]), Array.from({ length: 9 }, (_, n) => `e${n + 1}`));
  for (let seq = 1; seq <= 9; seq++) assert.equal(turns.filter((it) => it.body.includes(`@me ${seq} ${"x".repeat(60_000)}`)).length, 1);
  assert.match(turns[0]?.body ?? "", /newer ones wait behind these/);
});

test("what a gateway could not take while it restarted or its disk was full is not given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const troubles = Array.from({ length: 8 }, (_, n) => new Error(n % 2 === 0 ? "Gateway is draining; new tasks are not accepted" : "database or disk is full"));
  const { inbound, turns, ends } = account({ troubles });
  inbound.take(entry(1, "hi"));
  for (let n = 0; n < 100 && turns.length === 0; n++) {
    t.mock.timers.tick(30_000);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([turns.length, ends()], [1, []]);
});

/** A file on a disk without space, for so many writes. */
function fullDisk(writes: number, from = 0) {
  const file = memoryFile();
  let count = 0;
  const write = (value: unknown) => {
    const at = count++;
    if (at >= from && at < from + writes) throw Object.assign(new Error("write failed"), { code: "ENOSPC" });
    file.write(value);
  };
  return { ...file, write };
}

test("a message that came while the disk was full is read once there is space", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { inbound, turns, ends } = account({ file: fullDisk(8) });
  inbound.take(entry(1, "hi"));
  for (let n = 0; n < 100 && turns.length === 0; n++) {
    t.mock.timers.tick(30_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([turns.length, ends()], [1, []]);
});

test("a message that OpenClaw passes over is not called read", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  // The disk fills up between the turn's begin and its adoption.
  const { inbound, turns, ends } = account({ file: fullDisk(1, 1) });
  inbound.take(entry(1, "hi"));
  for (let n = 0; n < 100 && ends().length === 0; n++) {
    t.mock.timers.tick(30_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([turns.length, ends()], [0, ["e1 failed something went wrong on this agent's machine; its owner's log says what"]]);
});

test("an error of this machine ends a message without telling its sender about the machine", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { inbound, ends } = account({ troubles: Array.from({ length: 9 }, () => new Error("EACCES: permission denied, open '/home/owner/.ssh/id'")) });
  inbound.take(entry(1, "hi"));
  for (let n = 0; n < 100 && ends().length === 0; n++) {
    t.mock.timers.tick(30_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(ends(), ["e1 failed something went wrong on this agent's machine; its owner's log says what"]);
});

test("what was lost on the way is told with the next turn, once", async () => {
  const { inbound, turns, until, ends } = account();
  inbound.losses.missed({ room: "lab", from_seq: 3, to_seq: 14, lost: 12, reason: "buffer_limit" });
  inbound.take(entry(15, "hi"));
  await until(() => turns.length === 1);
  assert.match(turns[0]?.body ?? "", /^\[For your information: 12 messages of the room lab, numbers 3 to 14, never reached this agent/);
  turns[0]?.go("hello");
  await until(() => ends().length === 1);
  inbound.take(entry(16, "and now"));
  await until(() => turns.length === 2);
  assert.doesNotMatch(turns[1]?.body ?? "", /never reached/);
});

test("a turn is had once, whatever fails behind it", async () => {
  const tellOwner = () => assert.fail("several agents are configured");
  const { inbound, live, turns, ends, until } = account({ turns: 1, tellOwner });
  inbound.take(entry(1, "one"));
  await until(() => turns.length === 1);
  turns[0]?.go("hello");
  await until(() => ends().length === 1);
  assert.deepEqual([turns.length, ends(), live.loops.turns("lab")], [1, ["e1 answered"], 1]);
});

test("a turn that OpenClaw took and that broke is not had again", async () => {
  const { inbound, live, turns, ends, until } = account();
  live.loops.had = () => assert.fail("broken behind the turn");
  inbound.take(entry(1, "one"));
  await until(() => turns.length === 1);
  turns[0]?.go("hello");
  await until(() => ends().length === 1);
  assert.deepEqual([turns.length, ends()], [1, ["e1 answered"]]);
});
