import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import { jsonFile, StateUnwritable } from "./file.ts";

/** A folder that cannot be written to until `repair`. */
function broken() {
  const dir = mkdtempSync(join(tmpdir(), "bot-hub-file-"));
  const state = join(dir, "state");
  writeFileSync(state, "in the way");
  const warnings: string[] = [];
  const over: string[] = [];
  const path = join(state, "it.json");
  const file = jsonFile(path, { trouble: (text) => warnings.push(text), better: (text) => over.push(text) });
  return { dir, path, warnings, over, file, repair: () => rmSync(state) };
}

test("what happened is kept, said once, and written as soon as the disk takes it", () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { dir, path, warnings, file, repair } = broken();
  for (const n of [1, 2, 3]) file.keep({ n });
  assert.equal(warnings.length, 1);
  assert.match(warnings.join(), /cannot be written: \w+; hint: let this program write to that folder/);
  mock.timers.tick(10_000);
  repair();
  mock.timers.tick(10_000);
  assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), { n: 3 });
  mock.timers.reset();
  rmSync(dir, { recursive: true });
});

test("however often a file is kept while the disk is full, it is tried again once per interval", () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { dir, file } = broken();
  let tries = 0;
  for (let n = 0; n < 100; n++) file.keep({ toJSON: () => tries++ });
  for (const expected of [101, 102, 103]) {
    mock.timers.tick(10_000);
    assert.equal(tries, expected);
  }
  mock.timers.reset();
  rmSync(dir, { recursive: true });
});

test("an account that starts anew while the disk is full knows what its predecessor knew, and is not overwritten by it", () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { dir, path, file, repair } = broken();
  file.keep({ n: 1 });
  const newer = jsonFile(path, { trouble: () => {}, better: () => {} });
  assert.deepEqual(newer.read(), { n: 1 });
  repair();
  newer.write({ n: 2 });
  mock.timers.tick(20_000);
  assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), { n: 2 });
  mock.timers.reset();
  rmSync(dir, { recursive: true });
});

test("a full disk is told when it begins and when it is over, also where only a promise failed", () => {
  const { dir, file, warnings, over, repair } = broken();
  for (const n of [1, 2]) assert.throws(() => file.write({ n }));
  assert.deepEqual([warnings.length, over], [1, []]);
  repair();
  file.write({ n: 3 });
  file.write({ n: 4 });
  assert.deepEqual(over, warnings);
  rmSync(dir, { recursive: true });
});

test("a promise is not made where it cannot be written", () => {
  const { dir, file } = broken();
  assert.throws(() => file.write({}), StateUnwritable);
  rmSync(dir, { recursive: true });
});
