import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { resolveAccount } from "./config.ts";
import { memoryFile } from "./file.ts";
import type { Ack } from "./frames.ts";
import type { HubClient } from "./hub-client.ts";
import { liveAccounts, type LiveAccount } from "./live.ts";
import { Loops } from "./loops.ts";
import { Requests } from "./requests.ts";
import { runTurn, type TurnInput } from "./turn.ts";
import { Turns } from "./turns.ts";

/** OpenClaw, with an agent that answers `hello` at once. */
const runtime = {
  channel: {
    inbound: {
      buildContext: () => ({}),
      dispatch: async ({ turnAdoptionLifecycle, delivery }: Parameters<TurnInput["runtime"]["channel"]["inbound"]["dispatch"]>[0]) => {
        await turnAdoptionLifecycle?.onAdopted?.();
        await delivery.deliver?.({ text: "hello" }, { kind: "final" });
        return { dispatched: true };
      },
    },
  },
} as unknown as TurnInput["runtime"];

/** A turn whose answer is on its way to a hub that does not say a word. */
async function answering(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const hub = Promise.withResolvers<Ack>();
  const sent: string[] = [];
  const client = { bot: "me", sendAll: (drafts: Array<{ id: string }>) => (sent.push(...drafts.map((it) => it.id)), hub.promise.then((ack) => [ack])) };
  const account = resolveAccount({}, null, {});
  const live: LiveAccount = {
    account, client: client as unknown as HubClient, turns: new Turns(memoryFile(), () => {}), requests: new Requests(memoryFile()),
    said: new Set(), refusals: new Set(), typing: new Map(), loops: new Loops(memoryFile()), wake: () => {},
  };
  liveAccounts.set(account.accountId, live);
  const stop = new AbortController();
  const entry = { id: "e1", room: "lab", from: "bob", text: "hi", seq: 1 };
  const route = { route: { agentId: "main", accountId: "default", sessionKey: "agent:main:bot-hub:group:lab" }, buildEnvelope: () => "" };
  const input = {
    cfg: {}, account, live, runtime, entry, body: "hi", route, taken: [entry], members: [], sessionKey: "agent:main:bot-hub:group:lab", where: { kind: "room", room: "lab" }, peer: { kind: "group", id: "lab" }, access: {}, owed: false, quiet: false,
    log: () => {}, signal: stop.signal,
  } as unknown as TurnInput;
  const state = { ended: false };
  const outcome = runTurn(input).finally(() => (state.ended = true));
  outcome.catch(() => {});
  const soon = () => new Promise((resolve) => setImmediate(resolve));
  await soon();
  t.mock.timers.tick(60_000);
  await soon();
  return { outcome, state, live, stop, sent, hub, soon };
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
  hub.reject(new Error("`lab` is full"));
  assert.deepEqual(await outcome, { state: "failed", reason: "the answer was refused: `lab` is full" });
});
