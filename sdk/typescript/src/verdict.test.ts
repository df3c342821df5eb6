import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOf } from "./verdict.ts";
import type { Ended } from "./link.ts";

const check = (ended: Ended, expected: { kind: string; retryInMs?: number }, replaced = 0) => {
  const { kind, retryInMs } = { retryInMs: undefined, ...verdictOf(ended, 400, replaced, () => 0.5) };
  assert.deepEqual({ kind, retryInMs }, { retryInMs: undefined, ...expected });
};

test("the end of a connection says whether and when to come back", () => {
  check({ kind: "stopped" }, { kind: "stop" });
  check({ kind: "lost", reason: "x" }, { kind: "again", retryInMs: 400 });
  check({ kind: "sent_away", reason: "shutdown", reconnectInMs: 1200 }, { kind: "again", retryInMs: 1200 });
  check({ kind: "sent_away", reason: "revoked" }, { kind: "blocked", retryInMs: 60_000 });
  check({ kind: "unusable", reason: "x" }, { kind: "blocked", retryInMs: 60_000 });
  check({ kind: "sent_away", reason: "too_slow" }, { kind: "again", retryInMs: 400 });
  const bad = { code: 2001, name: "bad_token", message: "the token is not known to this hub" };
  check({ kind: "refused", error: { ...bad, retry: "after_fix" } }, { kind: "blocked", retryInMs: 60_000 });
  check({ kind: "refused", error: { ...bad, retry: "later", retry_after_ms: 5000 } }, { kind: "again", retryInMs: 5625 });
});

test("a bot whose token another program took tries again, ever more slowly", () => {
  const replaced: Ended = { kind: "sent_away", reason: "replaced" };
  check(replaced, { kind: "blocked", retryInMs: 60_000 });
  check(replaced, { kind: "blocked", retryInMs: 240_000 }, 2);
  check(replaced, { kind: "blocked", retryInMs: 900_000 }, 40);
});

test("a reason that only a newer hub knows is told as it came", () => {
  const unknown = { kind: "sent_away", reason: "moved" } as unknown as Ended;
  assert.deepEqual(verdictOf(unknown, 400), { kind: "again", reason: "the hub closed the connection (moved)", retryInMs: 400 });
});
