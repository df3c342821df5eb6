import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { Lanes } from "./lane.ts";

test("jobs of one room run one after another, those of others beside them", async () => {
  const failed: string[] = [];
  const lanes = new Lanes((key, error) => failed.push(`${key}: ${String(error)}`));
  const log: string[] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  lanes.add("a", async () => {
    log.push("a1 begins");
    await gate;
    log.push("a1 ends");
  });
  lanes.add("a", async () => {
    log.push("a2");
    throw new Error("broken");
  });
  const last = new Promise<void>((resolve) => lanes.add("a", async () => resolve()));
  lanes.add("b", async () => void log.push("b"));
  assert.equal(lanes.behind("a"), 2);
  release();
  await last;
  assert.deepEqual(log, ["a1 begins", "b", "a1 ends", "a2"]);
  assert.deepEqual(failed, ["a: Error: broken"]);
});

test("a job does not belong to the call that asked for it", async () => {
  const calls = new AsyncLocalStorage<string>();
  const lanes = calls.run("the account", () => new Lanes(() => {}));
  const seen = await new Promise((resolve) => calls.run("a command", () => lanes.add("a", async () => resolve(calls.getStore()))));
  assert.equal(seen, "the account");
});
