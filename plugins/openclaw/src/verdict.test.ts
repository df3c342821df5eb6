import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOf } from "./verdict.ts";
import type { Ended } from "./link.ts";

const check = (ended: Ended, expected: { kind: string; retryInMs?: number }) => {
  const { kind, retryInMs } = { retryInMs: undefined, ...verdictOf(ended, 400) };
  assert.deepEqual({ kind, retryInMs }, { retryInMs: undefined, ...expected });
};

test("the end of a connection says whether and when to come back", () => {
  check({ kind: "stopped" }, { kind: "stop" });
  check({ kind: "lost", reason: "x" }, { kind: "again", retryInMs: 400 });
  check({ kind: "sent_away", reason: "shutdown", reconnectInMs: 1200 }, { kind: "again", retryInMs: 1200 });
  check({ kind: "sent_away", reason: "replaced" }, { kind: "blocked" });
  check({ kind: "sent_away", reason: "revoked" }, { kind: "blocked" });
  check({ kind: "sent_away", reason: "too_slow" }, { kind: "again", retryInMs: 400 });
  const bad = { code: 2001, name: "bad_token", message: "the token is not known to this hub" };
  check({ kind: "refused", error: { ...bad, retry: "after_fix" } }, { kind: "blocked", retryInMs: 60_000 });
  check({ kind: "refused", error: { ...bad, retry: "later", retry_after_ms: 5000 } }, { kind: "again", retryInMs: 5000 });
});
