import assert from "node:assert/strict";
import { test } from "node:test";
import { Exile } from "./exile.ts";
import { memoryFile } from "./file.ts";

/** What the bot joins at its next start, when the hub has it in `member`. */
function joins(file: ReturnType<typeof memoryFile>, configured: string[], member: string[], epoch = "1"): string[] {
  return new Exile(file, configured).wanted(configured, new Set(member), epoch);
}

test("a room that the bot was taken out of is not joined again, also after a restart", () => {
  const file = memoryFile();
  assert.deepEqual(joins(file, ["lab", "duo"], []), ["lab", "duo"]);
  new Exile(file, ["lab", "duo"]).expelled("lab");
  assert.deepEqual(joins(file, ["lab", "duo"], []), ["duo"]);
});

test("a bot that was taken out while it was away notices it and stays out", () => {
  const file = memoryFile();
  assert.deepEqual(joins(file, ["lab"], ["lab"]), []);
  assert.deepEqual(joins(file, ["lab"], []), []);
  assert.deepEqual(new Exile(file, ["lab"]).rooms, ["lab"]);
});

test("whoever is a member again is not exiled any more", () => {
  const file = memoryFile();
  joins(file, ["lab"], []);
  new Exile(file, ["lab"]).expelled("lab");
  joins(file, ["lab"], ["lab"]);
  assert.deepEqual(new Exile(file, ["lab"]).rooms, []);
});

test("a room that is taken out of the configuration and put in again is asked once more", () => {
  const file = memoryFile();
  joins(file, ["lab"], []);
  new Exile(file, ["lab"]).expelled("lab");
  joins(file, [], []);
  assert.deepEqual(joins(file, ["lab"], []), ["lab"]);
});

test("at a hub that was restored the bot joins as its configuration says", () => {
  const file = memoryFile();
  joins(file, ["lab"], ["lab"]);
  assert.deepEqual(joins(file, ["lab"], [], "2"), ["lab"]);
});
