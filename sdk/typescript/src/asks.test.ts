import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Asks, type Question } from "./asks.ts";

const ROOMS: Question = { type: "rooms" };

test("a question that waits behind another of its type is given up in its own time, and not sent then", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const sent: Question[] = [];
  const asks = new Asks((question) => sent.push(question) > 0);
  const asked = [asks.add(ROOMS), asks.add(ROOMS)];
  mock.timers.tick(10_000);
  for (const one of asked) await assert.rejects(one, { name: "HubAway", message: "the hub did not answer `rooms`" });
  mock.timers.tick(30_000);
  assert.equal(sent.length, 1);
});

test("an answer that never comes holds back the next question of its type, and no longer than half a minute", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const sent: string[] = [];
  const asks = new Asks((question) => sent.push(question.type) > 0);
  const first = asks.add(ROOMS);
  mock.timers.tick(10_000);
  await assert.rejects(first);
  mock.timers.tick(29_000);
  const next = asks.add(ROOMS);
  const other = asks.add({ type: "who" });
  assert.deepEqual(sent, ["rooms", "who"]);
  mock.timers.tick(1_000);
  assert.deepEqual(sent, ["rooms", "who", "rooms"]);
  asks.answer({ type: "rooms", rooms: [] });
  asks.answer({ type: "who", bots: [] });
  await Promise.all([next, other]);
});

test("too many questions are refused, and a lost connection ends all", async () => {
  const asks = new Asks(() => true);
  const asked = Array.from({ length: 256 }, () => asks.add(ROOMS));
  await assert.rejects(asks.add(ROOMS), /too many questions/);
  asks.abandon("the connection closed");
  for (const one of asked) await assert.rejects(one, /the connection closed/);
});
