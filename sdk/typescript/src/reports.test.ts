import assert from "node:assert/strict";
import { test } from "node:test";
import { receiptOf, Reports } from "./reports.ts";

test("a receipt names the sender, since two senders may have chosen the same id", () => {
  const report = { room: "lab", id: "e1", from: "bob", seq: 7, state: "done" as const, reason: "noted" };
  assert.deepEqual(receiptOf(report), { room: "lab", id: "e1", from: "bob", state: "done", reason: "noted" });
});

test("a receipt that the hub refuses is over, and those around it are still proven by their ping", () => {
  const over: string[] = [];
  const reports = new Reports((some) => over.push(...some.map((it) => it.id)));
  for (const id of ["e1", "e2", "e3"]) reports.add({ room: "lab", id, from: "bob", state: "done" });
  reports.pinged(1);
  reports.add({ room: "lab", id: "e4", from: "bob", state: "done" });
  reports.refused("e2");
  assert.deepEqual(over, ["e2"]);
  reports.ponged(1);
  assert.deepEqual(over, ["e2", "e1", "e3"]);
  assert.deepEqual(reports.restart().map((it) => it.id), ["e4"]);
});
