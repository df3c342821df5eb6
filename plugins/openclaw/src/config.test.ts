import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultAccountId, isAdmitted, listAccountIds, resolveAccount, roomRules, unconfiguredReason } from "./config.ts";
import { TOOL_NAMES } from "./tool-names.ts";
import { toolPolicy } from "./tool-policy.ts";

const cfg = (own: unknown) => ({ channels: { "bot-hub": own } });

test("an account takes from the section what it does not say itself", () => {
  const config = cfg({ url: "ws://hub:1", rooms: ["Lab"], accounts: { a: { token: "ta" }, b: { token: "tb", rooms: "x, y" } } });
  assert.deepEqual(listAccountIds(config, {}), ["a", "b"]);
  assert.equal(defaultAccountId(config), "a");
  const a = resolveAccount(config, "a", {});
  assert.equal(a.url, "ws://hub:1");
  assert.deepEqual(a.rooms, ["lab"]);
  assert.deepEqual(a.token, { kind: "value", value: "ta" });
  assert.ok(a.configured);
  assert.deepEqual(resolveAccount(config, "b", {}).rooms, ["x", "y"]);
  assert.deepEqual(a.problems, []);
});

test("a token in the section is an account beside the named ones", () => {
  assert.deepEqual(listAccountIds(cfg({ token: "t", accounts: { work: {} } }), {}), ["default", "work"]);
  assert.deepEqual(listAccountIds(cfg({ accounts: { work: {} } }), {}), ["work"]);
  assert.deepEqual(listAccountIds(cfg({ url: "ws://h" }), {}), ["default"]);
  assert.deepEqual(listAccountIds(cfg({ ulr: "ws://h" }), {}), ["default"]);
  assert.deepEqual(listAccountIds(cfg({ enabled: false }), {}), []);
  assert.deepEqual(listAccountIds({}, {}), []);
});

test("address and token may come from the environment", () => {
  const env = { BOT_HUB_URL: "wss://hub", BOT_HUB_TOKEN: "t" };
  assert.deepEqual(listAccountIds({}, env), ["default"]);
  assert.ok(resolveAccount({}, null, env).configured);
});

test("a secret that OpenClaw could not read is named, and nothing else is taken for it", () => {
  const reference = { source: "env", provider: "default", id: "MINE" };
  const account = resolveAccount(cfg({ url: "ws://h", token: reference }), null, { MINE: "m", BOT_HUB_TOKEN: "t" });
  assert.deepEqual(account.token, { kind: "unresolved", source: "the env secret `MINE`", reference });
  assert.equal(unconfiguredReason(account), "the token could not be read from the env secret `MINE`");
});

test("a bad value is a sentence, never an exception", () => {
  const check = (own: unknown, expected: RegExp) =>
    assert.match(resolveAccount(cfg(own), null, {}).problems.join("\n"), expected);
  check({ url: "http://hub" }, /`channels\.bot-hub\.url` is `"http:\/\/hub"`; hint: write `ws:\/\/hub`/);
  check({ url: "ws://[" }, /an address like/);
  check({ rooms: ["a b"] }, /rooms.*"a b"/);
  check({ rooms: 3 }, /a list of names/);
  check({ Rooms: [] }, /did you mean `rooms`/);
  check({ bogus: 1 }, /`channels\.bot-hub\.bogus` is not a setting/);
  check({ groupPolicy: "everyone" }, /one of `allowlist`, `open`, `disabled`/);
  check({ groups: { lab: { requireMention: "yes" } } }, /groups\.lab\.requireMention/);
  check({ groups: [] }, /an object/);
  check({ token: 7 }, /token/);
  check({ botLoopProtection: { windowSeconds: 0 } }, /a number from 1/);
  check({ defaultTo: "lab" }, /`channels\.bot-hub\.defaultTo` is `"lab"`; hint: write `room:NAME` or `bot:NAME`/);
  check({ healthMonitor: { enabled: "no" } }, /healthMonitor\.enabled/);
  check({ textChunkLimit: 4000 }, /textChunkLimit` is not a setting/);
  assert.deepEqual(resolveAccount({ channels: "nonsense" }, null, {}).rooms, []);
});

test("bots are admitted by name, and no tool of the machine is open where nothing is said", () => {
  const account = resolveAccount(cfg({ allowFrom: ["bot:Bob", "@carol", "*"], groups: { lab: { tools: ["read"] } }, direct: { "@bob": { tools: ["web_fetch"] } } }), null, {});
  assert.deepEqual(account.allowFrom, ["bob", "carol", "*"]);
  assert.equal(account.groupPolicy, "allowlist");
  assert.deepEqual([roomRules(account, "lab").tools, roomRules(account, "other").tools], [["read"], []]);
  assert.deepEqual(account.direct, { bob: { tools: ["web_fetch"] } });
});

test("tools are opened by name, one by one, and anything else opens nothing and is a sentence", () => {
  const check = (tools: unknown, expected: RegExp) => {
    const account = resolveAccount(cfg({ groups: { lab: { tools } } }), null, {});
    assert.deepEqual(roomRules(account, "lab").tools, []);
    assert.match(account.problems.join("\n"), expected);
  };
  check(["*"], /the name of one tool; groups and patterns open nothing/);
  check(["group:fs"], /the name of one tool/);
  check(["web*"], /the name of one tool/);
  check({ alsoAllow: ["read"] }, /groups\.lab\.tools.*a list of tools that are opened/);
  check({ deny: ["exec"] }, /all others are closed/);
});

test("a room or a bot with a name that every object has follows the rules for all others", () => {
  const account = resolveAccount({ channels: { "bot-hub": { allowFrom: ["bob"], groups: { "*": { tools: ["web_fetch"] } } } } }, null, {});
  assert.deepEqual(roomRules(account, "constructor").tools, ["web_fetch"]);
  assert.ok(isAdmitted(account, "constructor", "bob"));
  assert.deepEqual(toolPolicy(account, { kind: "bot", bot: "constructor" }).allow, [...TOOL_NAMES]);
  assert.ok(!isAdmitted(account, "lab", "constructor"));
});
