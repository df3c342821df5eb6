import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile } from "./file.ts";
import type { Report } from "./reports.ts";
import { INTERRUPTED_MS, Turns } from "./turns.ts";

const entry = { id: "e1", room: "lab", from: "bob", seq: 1 };
const said = (reports: Report[]) => reports.map((it) => [it.state, it.reply ?? it.reason].filter(Boolean).join(" ")).join(", ");

test("a turn climbs the ladder and ends once", () => {
  const reports: Report[] = [];
  const turns = new Turns(memoryFile(), (it) => reports.push(it));
  turns.receive(entry);
  turns.receive(entry);
  turns.start("e1");
  turns.reply("e1", "r1");
  turns.end(entry, { state: "done" });
  turns.end(entry, { state: "failed", reason: "late" });
  assert.equal(said(reports), "received, started, answered r1");
});

test("a redelivered entry is known, and its end is said again", () => {
  const reports: Report[] = [];
  const turns = new Turns(memoryFile(), (it) => reports.push(it));
  assert.ok(!turns.isKnown("e1"));
  turns.end(entry, { state: "declined", reason: "not addressed" });
  assert.ok(turns.isKnown("e1"));
  assert.equal(said(reports), "declined not addressed, declined not addressed");
});

test("after a crash an answer without a reference finds the interrupted turn", () => {
  const file = memoryFile();
  new Turns(file, () => {}).receive(entry);
  const reports: Report[] = [];
  const turns = new Turns(file, (it) => reports.push(it));
  turns.repeat();
  assert.equal(turns.interruptedIn("lab")?.id, "e1");
  turns.reply("e1", "r1");
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
  new Turns(file, () => {}).receive(entry, 0);
  const reports: Report[] = [];
  const turns = new Turns(file, (it) => reports.push(it));
  turns.giveUp(INTERRUPTED_MS);
  assert.equal(reports.length, 0);
  turns.giveUp(INTERRUPTED_MS + 1);
  assert.match(said(reports), /^failed the gateway was restarted/);
});
