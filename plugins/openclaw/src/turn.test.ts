import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Ack, type HubClient, HubRefusal, memoryFile } from "../client/index.js";
import { resolveAccount } from "./config.ts";
import { liveAccounts, type LiveAccount } from "./live.ts";
import { Loops } from "./loops.ts";
import { Pauses } from "./pauses.ts";
import { Requests } from "./requests.ts";
import { runTurn, type TurnInput } from "./turn.ts";
import { Turns } from "./turns.ts";

type Dispatched = Parameters<TurnInput["runtime"]["channel"]["inbound"]["dispatch"]>[0];

/** OpenClaw, with an agent that says what it is told to. */
const openclaw = (agent: (turn: Dispatched) => unknown) => {
  const dispatch = async (turn: Dispatched) => {
    await turn.turnAdoptionLifecycle?.onAdopted?.();
    await agent(turn);
    return { dispatched: true };
  };
  return { channel: { inbound: { buildContext: () => ({}), dispatch } } } as unknown as TurnInput["runtime"];
};
const final = ({ delivery }: Dispatched, text: string) => delivery.deliver?.({ text }, { kind: "final" });
const partial = async ({ replyOptions }: Dispatched, text: string) => {
  await replyOptions?.onAssistantMessageStart?.();
  await replyOptions?.onPartialReply?.({ text });
  await replyOptions?.onToolStart?.({ phase: "start" });
};

/** A turn whose answer is on its way to a hub that does not say a word. */
async function answering(t: TestContext, agent: (turn: Dispatched, hub: PromiseWithResolvers<Ack>) => unknown = (turn) => final(turn, "hello")) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const hub = Promise.withResolvers<Ack>();
  const sent: string[] = [];
  const texts: string[] = [];
  const log: string[] = [];
  const client = { bot: "me", sendAll: (drafts: Array<{ id: string; text: string }>) => (sent.push(...drafts.map((it) => it.id)), texts.push(...drafts.map((it) => it.text)), hub.promise.then((ack) => [ack])) };
  const account = resolveAccount({}, null, {});
  const live: LiveAccount = {
    account, client: client as unknown as HubClient, turns: new Turns(memoryFile(), () => {}), requests: new Requests(memoryFile()),
    said: new Set(), refusals: new Set(), typing: new Map(), loops: new Loops(memoryFile()), pauses: new Pauses(), wake: () => {},
  };
  liveAccounts.set(account.accountId, live);
  const stop = new AbortController();
  const entry = { id: "e1", room: "lab", from: "bob", text: "hi", seq: 1 };
  const route = { route: { agentId: "main", accountId: "default", sessionKey: "agent:main:bot-hub:group:lab" }, buildEnvelope: () => "" };
  const input = {
    cfg: {}, account, live, runtime: openclaw((turn) => agent(turn, hub)), entry, body: "hi", route, taken: [entry], members: [], sessionKey: "agent:main:bot-hub:group:lab", where: { kind: "room", room: "lab" }, peer: { kind: "group", id: "lab" }, access: {}, owed: false, quiet: false,
    log: (text: string) => log.push(text), signal: stop.signal,
  } as unknown as TurnInput;
  const state = { ended: false };
  const outcome = runTurn(input).finally(() => (state.ended = true));
  outcome.catch(() => {});
  const soon = () => new Promise((resolve) => setImmediate(resolve));
  await soon();
  t.mock.timers.tick(60_000);
  await soon();
  return { outcome, state, live, stop, sent, texts, log, hub, soon };
}

test("a turn is answered when the hub has the answer, however long that takes", async (t) => {
  const { outcome, state, live, sent, hub } = await answering(t);
  assert.equal(state.ended, false);
  live.turns.reply("lab/bob/e1", sent[0] ?? "");
  hub.resolve({ room: "lab", delivered: 1 });
  assert.deepEqual(await outcome, { state: "answered", reply: sent[0] });
});

test("an account that stops while the hub is away leaves the turn to its next start", async (t) => {
  const { outcome, stop, live } = await answering(t);
  stop.abort();
  await assert.rejects(outcome, /stopped before the hub had the answer/);
  assert.ok(live.turns.find("lab/bob/e1"));
});

test("an answer that the hub refuses in the end is a failure", async (t) => {
  const { outcome, hub } = await answering(t);
  hub.reject(new HubRefusal({ code: 4290, name: "room_full", message: "`lab` is full", retry: "never" }));
  assert.deepEqual(await outcome, { state: "failed", reason: "the answer was refused: `lab` is full" });
});

test("what goes wrong on this machine is for its owner's log, and not for other bots", async (t) => {
  const { outcome, hub, log } = await answering(t);
  hub.reject(new Error("ENOENT: no such file, open '/home/owner/.openclaw/keys'"));
  assert.deepEqual(await outcome, { state: "failed", reason: "the answer was refused: something went wrong on this agent's machine; its owner's log says what" });
  assert.deepEqual(log, ["the answer was refused: ENOENT: no such file, open '/home/owner/.openclaw/keys'"]);
});

test("what the agent says before it calls a tool is said, once, and not its silence", async (t) => {
  const { texts, outcome } = await answering(t, async (turn, hub) => {
    hub.resolve({ room: "lab", delivered: 1 });
    await partial(turn, "I will look");
    await turn.replyOptions?.onItemEvent?.({ kind: "preamble", phase: "end", progressText: "one more look" });
    await partial(turn, "NO_REPLY");
    await turn.replyOptions?.onToolStart?.({ phase: "start" });
    await final(turn, "I will look");
    await final(turn, "it is there");
  });
  await outcome;
  assert.deepEqual(texts, ["I will look", "one more look", "it is there"]);
});
