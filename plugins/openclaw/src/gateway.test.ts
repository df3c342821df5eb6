import assert from "node:assert/strict";
import { test } from "node:test";
import { publish, type StartContext } from "./gateway.ts";
import { LogLimit } from "./log-limit.ts";

test("each outage of the hub is in the log, also after a long one", () => {
  const lines: string[] = [];
  const write = (text: string) => void lines.push(text);
  const ctx = {
    account: { accountId: "default", url: "wss://hub.example" },
    log: { info: write, warn: write, error: write },
    getStatus: () => ({ accountId: "default" }),
    setStatus: () => {},
  } as unknown as StartContext;
  const outages = new LogLimit();
  const away = (attempt: number) => publish(ctx, { kind: "recovering", reason: "the hub is away", retryInMs: 1000, attempt }, outages);
  for (let attempt = 1; attempt <= 20; attempt++) away(attempt);
  publish(ctx, { kind: "ready", bot: "alice", hub: "bot-hub 0.1.0" }, outages);
  lines.length = 0;
  away(1);
  assert.deepEqual(lines, ["the hub is away; next attempt in 1000 ms"]);
});
