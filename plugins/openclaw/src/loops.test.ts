import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile } from "../client/index.js";
import { Loops, STOPPED_MS, stopSentence, TURNS_AFTER_STOP, TURNS_MAX } from "./loops.ts";

const bot = { isPerson: false, others: 1 };
const MINUTE = 60_000;

function loop(loops: Loops, turns: number, from = 0, apart = 3_000): number {
  let at = from;
  for (let n = 0; n < turns; n++) {
    at += apart;
    loops.heard("lab", bot, at);
    loops.had("lab", TURNS_MAX, at);
  }
  return at;
}

test("after thirty turns without a person a room stands still, also after a restart", () => {
  const file = memoryFile();
  const loops = new Loops(file);
  const almost = loop(loops, TURNS_MAX - 1);
  assert.equal(loops.stopOf("lab", almost), undefined);
  const end = loop(loops, 1, almost);
  assert.equal(loops.stopOf("lab", end)?.turns, TURNS_MAX);
  assert.equal(new Loops(file).stopOf("lab", end)?.turns, TURNS_MAX);
  assert.match(stopSentence(loops.stopOf("lab", end) ?? assert.fail()), /30 turns without a person.*openclaw bothub resume lab/);
});

test("a slow loop is stopped, too", () => {
  const loops = new Loops(memoryFile());
  assert.ok(loops.stopOf("lab", loop(loops, TURNS_MAX, 0, 9 * MINUTE)));
});

test("a person, a silence and other rooms do not count", () => {
  const loops = new Loops(memoryFile());
  let at = loop(loops, 20);
  loops.heard("lab", { isPerson: true, others: 2 }, at);
  at = loop(loops, 20, at);
  loops.heard("lab", bot, at + 11 * MINUTE);
  at = loop(loops, 20, at + 11 * MINUTE);
  loops.had("duo", TURNS_MAX, at);
  assert.equal(loops.stopOf("lab", at), undefined);
});

test("a person beside a stopped loop lifts nothing; the owner does", () => {
  const loops = new Loops(memoryFile());
  const at = loop(loops, TURNS_MAX);
  loops.heard("lab", { isPerson: true, others: 2 }, at + 1);
  assert.ok(loops.stopOf("lab", at + 1));
  assert.equal(loops.resume("lab", at + 2), true);
  assert.equal(loops.stopOf("lab", at + 3), undefined);
  assert.equal(loops.resume("lab", at + 4), false);
});

test("a stop of a clock that was days ahead ends six hours after the clock is right again", () => {
  const loops = new Loops(memoryFile());
  const ahead = 3 * 24 * 60 * MINUTE;
  loop(loops, TURNS_MAX, ahead);
  assert.ok(loops.stopOf("lab", MINUTE));
  assert.equal(loops.stopOf("lab", MINUTE + STOPPED_MS), undefined);
});

test("a stop ends by itself with a few turns, and a second one stays", () => {
  const loops = new Loops(memoryFile());
  let at = loop(loops, TURNS_MAX) + STOPPED_MS;
  assert.equal(loops.stopOf("lab", at), undefined);
  at = loop(loops, TURNS_AFTER_STOP, at);
  const again = loops.stopOf("lab", at + STOPPED_MS);
  assert.deepEqual([again?.turns, again?.until], [TURNS_MAX, undefined]);
});

test("after a stop that ran out every room has ten turns, whatever its own limit is", () => {
  for (const max of [3, 30, 100]) {
    const loops = new Loops(memoryFile());
    let turns = 0;
    for (let at = 0; loops.stopOf("lab", at) === undefined; at += 1_000) loops.had("lab", max, at);
    const later = STOPPED_MS + 1_000_000;
    for (let at = later; loops.stopOf("lab", at) === undefined; at += 1_000, turns++) loops.had("lab", max, at);
    assert.equal(turns, Math.min(max, TURNS_AFTER_STOP), `limit ${max}`);
  }
});
