import assert from "node:assert/strict";
import { test } from "node:test";
import { receiptOf } from "./reports.ts";

test("a receipt names the sender, since two senders may have chosen the same id", () => {
  const report = { room: "lab", id: "e1", from: "bob", seq: 7, state: "done" as const, reason: "noted" };
  assert.deepEqual(receiptOf(report), { room: "lab", id: "e1", from: "bob", state: "done", reason: "noted" });
});
