import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import { isPassing, outward } from "./errors.ts";
import { jsonFile, StateUnwritable } from "./file.ts";

/** A state directory that cannot be written to until `repair`. */
function broken() {
  const dir = mkdtempSync(join(tmpdir(), "bot-hub-file-"));
  const state = join(dir, "state");
  writeFileSync(state, "in the way");
  const warnings: string[] = [];
  const path = join(state, "it.json");
  return { dir, path, warnings, file: jsonFile(path, (text) => warnings.push(text)), repair: () => rmSync(state) };
}

test("what happened is kept, said once, and written as soon as the disk takes it", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { dir, path, warnings, file, repair } = broken();
  for (const n of [1, 2, 3]) file.keep({ n });
  assert.equal(warnings.length, 1);
  assert.match(warnings.join(), /cannot be written: \w+; hint: make room/);
  mock.timers.tick(10_000);
  repair();
  mock.timers.tick(10_000);
  assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), { n: 3 });
  mock.timers.reset();
  rmSync(dir, { recursive: true });
});

test("a promise is not made where it cannot be written, and no path of the owner's is told to others", () => {
  const { dir, file } = broken();
  assert.throws(() => file.write({}), StateUnwritable);
  try {
    file.write({});
  } catch (error) {
    assert.ok(!outward(error).includes(dir));
  }
  rmSync(dir, { recursive: true });
});

test("what passes by itself is told from what does not", () => {
  const code = Object.assign(new Error("write failed"), { code: "ENOSPC" });
  for (const passing of [code, new StateUnwritable("/x", code), new Error("Gateway is draining; new tasks are not accepted"), new Error("outer", { cause: code })]) assert.ok(isPassing(passing), String(passing));
  for (const other of [new Error("no model"), "text", undefined]) assert.ok(!isPassing(other));
});
