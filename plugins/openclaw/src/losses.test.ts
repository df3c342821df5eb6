import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile } from "../client/index.js";
import { Losses } from "./losses.ts";

const gap = { room: "lab", from_seq: 3, to_seq: 14, lost: 12, reason: "buffer_limit" };
const run = { room: "lab", from_seq: 5, to_seq: 9, count: 3, bots: ["bob", "carol"], recipients: 6, state: "dropped", reason: "kicked", at: 1 };

test("a run of losses is one sentence, in both directions, until the agent was told, also after a restart", () => {
  const file = memoryFile();
  const losses = new Losses(file);
  losses.missed(gap);
  losses.undelivered(run);
  losses.undelivered({ room: "lab", id: "e7", bot: "bob", state: "expired", at: 1 });
  assert.equal(losses.undelivered({ ...run, state: "received" }), undefined);
  const again = new Losses(file);
  const { sentences, told } = again.of("lab");
  assert.deepEqual(sentences, [
    "12 messages of the room lab, numbers 3 to 14, never reached this agent: too much waited for this bot; bot_hub_history may still have them",
    '3 messages of this agent in the room lab, numbers 5 to 9, never reached bob, carol and 4 more: dropped, with the reason "kicked"',
    'the message "e7" of this agent in the room lab never reached bob: expired',
  ]);
  told();
  assert.deepEqual([new Losses(file).of("lab").sentences, again.of("duo").sentences], [[], []]);
});

test("what is lost while the agent is told is told the next time", () => {
  const losses = new Losses(memoryFile());
  losses.missed(gap);
  const { told } = losses.of("lab");
  losses.missed({ ...gap, from_seq: 20, to_seq: 20, lost: 1, reason: "corrupt" });
  told();
  assert.deepEqual(losses.of("lab").sentences, ["1 message of the room lab, number 20, never reached this agent: the hub's log of them is damaged"]);
});

test("however many runs there are, the agent is told of few and of their number", () => {
  const losses = new Losses(memoryFile());
  for (let n = 0; n < 1000; n++) losses.missed({ ...gap, from_seq: n, to_seq: n, lost: 1 });
  const { sentences, told } = losses.of("lab");
  assert.deepEqual([sentences.length, sentences.at(-1)], [13, "and 988 more such losses, which are in the gateway's log"]);
  losses.missed({ ...gap, from_seq: 1000, to_seq: 1000, lost: 1 });
  told();
  const left = losses.of("lab");
  assert.deepEqual(left.sentences, ["and 1 more such losses, which are in the gateway's log"]);
  left.told();
  assert.deepEqual(losses.of("lab").sentences, []);
});
