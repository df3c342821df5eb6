import assert from "node:assert/strict";
import { test } from "node:test";
import { LogLimit } from "./log-limit.ts";

test("the same sentence is written the 1st, 2nd, 4th, 8th time, whatever its detail", () => {
  const limit = new LogLimit();
  const lines = Array.from({ length: 1000 }, (_, at) => limit.line("away", `; next attempt in ${at} ms`)).filter((it) => it !== undefined);
  assert.deepEqual(lines.slice(0, 3), [
    "away; next attempt in 0 ms",
    "away; next attempt in 1 ms (time 2)",
    "away; next attempt in 3 ms (time 4)",
  ]);
  assert.equal(lines.length, 10);
});

test("another sentence is written at once, and after good news the first time counts again", () => {
  const limit = new LogLimit();
  for (let times = 0; times < 3; times++) limit.line("away");
  assert.equal(limit.line("refused"), "refused");
  limit.over("refused");
  assert.equal(limit.line("refused"), "refused");
  assert.equal(limit.line("away"), "away (time 4)");
  limit.allOver();
  assert.equal(limit.line("away"), "away");
});
