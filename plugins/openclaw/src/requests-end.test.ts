import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, type HubClient, memoryFile } from "../client/index.js";
import { resolveAccount } from "./config.ts";
import { entryKey } from "./entry-key.ts";
import type { LiveAccount } from "./live.ts";
import { Loops } from "./loops.ts";
import { Pauses } from "./pauses.ts";
import { Requests } from "./requests.ts";
import { endRequests } from "./requests-end.ts";
import { Turns, type Outcome } from "./turns.ts";

const entry = { id: "e1", room: "lab", from: "bob", seq: 1 };

async function end(outcome: Outcome, isFull = false) {
  const sent: Draft[] = [];
  const logged: string[] = [];
  const sendAll = async (drafts: readonly Draft[]) => {
    if (isFull) throw new Error("1000 messages wait for the hub already");
    sent.push(...drafts);
    return drafts.map(({ id }) => ({ room: "lab", id, delivered: 1 }));
  };
  const live: LiveAccount = {
    account: resolveAccount({}, null, {}), client: { bot: "me", sendAll } as unknown as HubClient, turns: new Turns(memoryFile(), () => {}),
    requests: new Requests(memoryFile()), said: new Set(), refusals: new Set(), typing: new Map(), loops: new Loops(memoryFile()), pauses: new Pauses(), wake: () => {},
  };
  live.requests.asked({ requestId: "bob-abc123", entry: entryKey(entry), room: "lab", replyTo: "bob", task: "count", depth: { current: 1, max: 5 }, at: Date.now() });
  await endRequests(live, [entry], outcome, (text) => logged.push(text));
  assert.equal(live.requests.byEntry(entryKey(entry)), undefined);
  return { said: sent.map((it) => /Status: (\w+)\nResult: (.*)/.exec(it.text)?.slice(1, 3)), logged };
}

test("a request that the agent left open ends in a RESPONSE that says why", async () => {
  assert.deepEqual((await end({ state: "done" })).said, [["failed", "the agent had nothing to say about it"]]);
  assert.deepEqual((await end({ state: "failed", reason: "the agent's turn failed" })).said, [["failed", "the agent's turn failed"]]);
  assert.deepEqual((await end({ state: "declined", reason: "loop guard" })).said, []);
});

test("what cannot be said is logged, and begins no turn anew", async () => {
  const { logged } = await end({ state: "done" }, true);
  assert.match(logged.join(), /a request of bob could not be answered: 1000 messages wait/);
});
