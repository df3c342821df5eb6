import assert from "node:assert/strict";
import { test } from "node:test";
import type { Question } from "./asks.ts";
import { resolveAccount } from "./config.ts";
import { memoryFile } from "./file.ts";
import type { Entry, HubClient } from "./hub-client.ts";
import { Inbound, type InboundOptions } from "./inbound.ts";
import { liveAccounts, type LiveAccount } from "./live.ts";
import { Loops } from "./loops.ts";
import type { Draft } from "./outbox.ts";
import type { Report } from "./reports.ts";
import { Requests } from "./requests.ts";
import { Turns } from "./turns.ts";

type Dispatch = InboundOptions["runtime"]["channel"]["inbound"]["dispatch"];
const LINE = 100;

/** An account in `lab` with bob and, if wanted, carol. Its agent answers every turn with `hello`, one at a time when `go` is called. */
function account({ crowd = false, log = [] as Entry[], turns: max = 30 } = {}) {
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
    turns: new Turns(memoryFile(), (it) => reports.push(it)), requests: new Requests(memoryFile()), said: new Set(), refusals: new Set(),
    typing: new Map(), loops: new Loops(memoryFile()), wake: (room) => inbound.wake(room),
  };
  liveAccounts.set("default", live);
  const dispatch = async ({ turnAdoptionLifecycle, delivery, ctxPayload }: Parameters<Dispatch>[0]) => {
    await turnAdoptionLifecycle?.onAdopted?.();
    const text = await new Promise<string>((go) => turns.push({ body: String(Reflect.get(ctxPayload, "body")), go }));
    await delivery.deliver?.({ text }, { kind: "final" });
    return { dispatched: true };
  };
  const buildContext = ({ message }: { message: { bodyForAgent: string } }) => ({ body: message.bodyForAgent });
  const runtime = { channel: { inbound: { dispatch, buildContext } } } as unknown as InboundOptions["runtime"];
  const inbound = new Inbound({ config: () => ({}), account: live.account, live, runtime, signal: new AbortController().signal, log: () => {} });
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
  assert.match(turns[0]?.body ?? "", /Said before.*> bob: alone.*\[1 of 2; bob; just now; not to you\]\nbeside.*\[2 of 2; carol; just now; to you\]\n@me please/s);
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
