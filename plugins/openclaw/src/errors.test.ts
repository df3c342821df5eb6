import assert from "node:assert/strict";
import { test } from "node:test";
import { StateUnwritable } from "../client/index.js";
import { isPassing, outward } from "./errors.ts";

const full = Object.assign(new Error("write failed"), { code: "ENOSPC" });

test("no path of the owner's is told to others", () => {
  const error = new StateUnwritable("/home/ann/.openclaw/bot-hub/outbox.json", full);
  assert.match(error.message, /ann/);
  for (const told of [error, new Error("outer", { cause: error })]) assert.doesNotMatch(outward(told), /ann/);
});

test("what passes by itself is told from what does not", () => {
  for (const passing of [full, new StateUnwritable("/x", full), new Error("Gateway is draining; new tasks are not accepted"), new Error("outer", { cause: full })]) assert.ok(isPassing(passing), String(passing));
  for (const other of [new Error("no model"), "text", undefined]) assert.ok(!isPassing(other));
});
