import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile, type Report } from "../client/index.js";
import { entryKey } from "./entry-key.ts";
import { INTERRUPTED_MS, Turns } from "./turns.ts";

const entry = { id: "e1", room: "lab", from: "bob", seq: 1 };
const KEY = entryKey(entry);
const said = (reports: Report[]) => reports.map((it) => [it.state, it.reply ?? it.reason].filter(Boolean).join(" ")).join(", ");

test("a turn climbs the ladder and ends once", () => {
  const reports: Report[] = [];
  const turns = new Turns(memoryFile(), (it) => reports.push(it));
  turns.receive([entry]);
  turns.receive([entry]);
  turns.start(KEY);
  turns.reply(KEY, "r1");
  turns.end(entry, { state: "done" });
  turns.end(entry, { state: "failed", reason: "late" });
  assert.equal(said(reports), "received, started, answered r1");
});

test("a redelivered entry is known, and its end is said again", () => {
  const reports: Report[] = [];
  const turns = new Turns(memoryFile(), (it) => reports.push(it));
  assert.ok(!turns.isKnown(entry));
  turns.end(entry, { state: "declined", reason: "not addressed" });
  assert.ok(turns.isKnown(entry));
  assert.equal(said(reports), "declined not addressed, declined not addressed");
});

test("after a crash an answer without a reference finds the interrupted turn", () => {
  const file = memoryFile();
  new Turns(file, () => {}).receive([entry]);
  const reports: Report[] = [];
  const turns = new Turns(file, (it) => reports.push(it));
  turns.repeat();
  assert.equal(turns.interruptedIn("lab")?.id, "e1");
  turns.reply(KEY, "r1");
  assert.equal(said(reports), "received, answered r1");
  assert.equal(turns.interruptedIn("lab"), undefined);
});

test("an end that the hub did not prove is said again after a restart", () => {
  const file = memoryFile();
  const first = new Turns(file, () => {});
  first.end(entry, { state: "done" });
  const again: Report[] = [];
  const second = new Turns(file, (it) => again.push(it));
  second.repeat();
  assert.equal(said(again), "done");
  second.proven(again);
  const never: Report[] = [];
  new Turns(file, (it) => never.push(it)).repeat();
  assert.equal(said(never), "");
});

test("an interrupted turn that nobody takes up fails visibly", () => {
  const file = memoryFile();
  new Turns(file, () => {}).receive([entry], entry, 0);
  const reports: Report[] = [];
  // The gateway was away for a day: OpenClaw has ten minutes from its start.
  const turns = new Turns(file, (it) => reports.push(it), 1000);
  turns.giveUp(1000 + INTERRUPTED_MS);
  assert.equal(reports.length, 0);
  turns.giveUp(1000 + INTERRUPTED_MS + 1);
  assert.match(said(reports), /^failed the gateway was restarted/);
});

test("entries that are read in one turn climb together, and an answer after a crash ends them all", () => {
  const file = memoryFile();
  const other = { ...entry, id: "e2", seq: 2 };
  const first = new Turns(file, () => {});
  first.receive([entry, other]);
  first.start(entryKey(other));
  const reports: Report[] = [];
  const turns = new Turns(file, (it) => reports.push(it));
  assert.deepEqual(turns.open.map((it) => it.state), ["started", "started"]);
  assert.equal(turns.interruptedIn("lab")?.id, "e2");
  turns.reply(entryKey(other), "r1");
  assert.deepEqual(reports.map((it) => [it.id, it.state, it.reply]), [["e1", "answered", "r1"], ["e2", "answered", "r1"]]);
});

test("two bots may choose the same id, and each hears about its own message", () => {
  const reports: Report[] = [];
  const turns = new Turns(memoryFile(), (it) => reports.push(it));
  const decoy = { ...entry, from: "eve", seq: 2 };
  turns.receive([entry]);
  turns.end(decoy, { state: "declined", reason: "not admitted" });
  assert.ok(turns.find(KEY));
  assert.equal(turns.isKnown({ ...entry, room: "duo" }), false);
  turns.end(entry, { state: "done" });
  assert.deepEqual(reports.map((it) => `${it.from} ${it.state}`), ["bob received", "eve declined", "bob done"]);
});

test("what an older version wrote down is said once more, and is known when it is delivered again", () => {
  const ended = [{ room: "lab", id: "e1", state: "answered", reply: "r1" }, { room: "lab", id: "e2", state: "done" }];
  const file = memoryFile({ open: [{ id: "e3", room: "lab", from: "bob", seq: 3, openedAt: 1, state: "started" }], ended, unproven: ["e1"] });
  const reports: Report[] = [];
  const turns = new Turns(file, (it) => reports.push(it));
  turns.repeat();
  assert.equal(said(reports), "started, answered r1");
  assert.deepEqual(["e1", "e2", "e3", "e4"].map((id) => turns.isKnown({ ...entry, id })), [true, true, true, false]);
});

test("many ends are one write of the file, and are said after it", () => {
  let writes = 0;
  const file = { read: () => undefined, write: () => void writes++, keep: () => void writes++ };
  const order: string[] = [];
  const turns = new Turns(file, (it) => order.push(`${it.id} after ${writes} writes`));
  turns.together(() => {
    for (const id of ["a", "b", "c"]) turns.end({ ...entry, id }, { state: "done" });
  });
  assert.deepEqual(order, ["a after 1 writes", "b after 1 writes", "c after 1 writes"]);
});

test("what could not be written was not received", () => {
  const full = { read: () => undefined, write: () => assert.fail("the disk is full"), keep: () => {} };
  const reports: Report[] = [];
  const turns = new Turns(full, (it) => reports.push(it));
  assert.throws(() => turns.receive([entry]), /the disk is full/);
  assert.deepEqual([reports.length, turns.open.length], [0, 0]);
});
