import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pause } from "../client/index.js";
import { Pauses } from "./pauses.ts";

const since = Date.parse("2026-11-20T03:12:00Z");

function pause(fields: Partial<Pause>): Pause {
  return { type: "pause", on: true, since, ...fields } as Pause;
}

test("what is paused is said with its reason and what ends it", () => {
  const pauses = new Pauses();
  const check = (fields: Partial<Pause>, expected: string) => assert.equal(pauses.told(pause(fields)), expected);
  check(
    { room: "lab", bot: "ann", why: { rule: "turns", used: 30, limit: 30 } },
    "#lab: paused since 2026-11-20T03:12:00.000Z, 30 of 30 \"turns\"; what is said waits. To go on: bot-hub resume lab @ann",
  );
  check(
    { by: "zoe", why: { text: "a loop" }, until: since + 60_000 },
    "all rooms: paused since 2026-11-20T03:12:00.000Z, by zoe, \"a loop\", until 2026-11-20T03:13:00.000Z; what is said waits. " +
      "To go on: bot-hub resume --all",
  );
  assert.equal(pauses.sentences().length, 2);
  check({ by: "zoe", on: false }, "all rooms: not paused by that any more");
  assert.equal(pauses.sentences().length, 1);
  pauses.begin();
  assert.deepEqual(pauses.sentences(), []);
});
