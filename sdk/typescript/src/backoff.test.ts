import assert from "node:assert/strict";
import { test } from "node:test";
import { around, atMost, backoffMs, notBefore } from "./backoff.ts";

const DRAWN = [0, 0.25, 0.5, 0.999];

test("a wait stays below a ceiling that doubles", () => {
  [400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000].forEach((ceiling, attempt) => {
    for (const drawn of DRAWN) {
      const ms = backoffMs(attempt, () => drawn);
      assert.ok(ceiling / 2 <= ms && ms <= ceiling, `attempt ${attempt}: ${ms}`);
    }
  });
});

test("jitter stays near what was asked", () => {
  assert.deepEqual(DRAWN.map((drawn) => around(1_000, () => drawn)), [750, 875, 1_000, 1_250]);
  assert.deepEqual(DRAWN.map((drawn) => notBefore(1_000, () => drawn)), [1_000, 1_063, 1_125, 1_250]);
  assert.equal(around(0), 0);
});

test("a wait that no timer can keep is the longest that one can", () => {
  assert.deepEqual([5, 2 ** 31 - 1, 2 ** 31, 1e300].map(atMost), [5, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1]);
});
