import assert from "node:assert/strict";
import { test } from "node:test";
import { admission, applySetup, enableAccount, removeAccount } from "./setup.ts";

const channel = (cfg: object) => Reflect.get(Reflect.get(cfg, "channels") as object, "bot-hub") as object;

test("flags of the first account go to the section, of others to their own", () => {
  const first = applySetup({}, "default", { url: "ws://h", hubToken: "t", rooms: ["lab"], bots: ["bob"] });
  assert.deepEqual(channel(first), { enabled: true, url: "ws://h", token: "t", rooms: ["lab"], allowFrom: ["bob"] });
  const second = applySetup(first, "work", { hubToken: "t2" });
  assert.deepEqual(Reflect.get(channel(second), "accounts"), { work: { token: "t2" } });
  assert.equal(Reflect.get(channel(second), "token"), "t");
});

test("what was there stays, and an agent may be silent unless its owner said otherwise", () => {
  const cfg = { channels: { "bot-hub": { groups: { lab: {} } }, other: { on: true } } };
  const after = applySetup(cfg, "default", { url: "ws://h" });
  assert.deepEqual(channel(after), { enabled: true, url: "ws://h", groups: { lab: {} } });
  assert.deepEqual(Reflect.get(after, "surfaces"), { "bot-hub": { silentReply: { group: "allow" } } });
  const loud = { surfaces: { "bot-hub": { silentReply: { group: "disallow" as const } } } };
  assert.deepEqual(Reflect.get(applySetup(loud, "default", {}), "surfaces"), loud.surfaces);
});

test("an account is removed and the others stay as they were", () => {
  const shared = { url: "ws://h", rooms: ["lab"] };
  const both = { channels: { "bot-hub": { ...shared, token: "t", accounts: { work: { token: "t2" } } } } };
  assert.deepEqual(channel(removeAccount(both, "default")), { ...shared, accounts: { work: { token: "t2" } } });
  assert.deepEqual(channel(removeAccount(both, "work")), { ...shared, token: "t" });
  assert.equal(removeAccount(both, "other"), both);
  const last = removeAccount(removeAccount(both, "work"), "default");
  assert.deepEqual(last.channels, {});
});

test("one account is switched off, and with no others the channel", () => {
  const alone = { channels: { "bot-hub": { url: "ws://h", token: "t" } } };
  assert.deepEqual(channel(enableAccount(alone, "default", false)), { url: "ws://h", token: "t", enabled: false });
  const two = { channels: { "bot-hub": { token: "t", accounts: { work: { token: "t2" } } } } };
  assert.deepEqual(channel(enableAccount(two, "default", false)), { token: "t", accounts: { work: { token: "t2" }, default: { enabled: false } } });
});

test("an owner who admitted nobody is told how, and nobody else is", () => {
  const told = (own: object, accountId = "default") => admission(applySetup({ channels: { "bot-hub": own } }, accountId, { hubToken: "t" }), accountId);
  assert.match(told({}) ?? "", /answers nobody until .*`openclaw config set channels\.bot-hub\.allowFrom '\["NAME"\]'`/);
  assert.match(told({}, "work") ?? "", /channels\.bot-hub\.accounts\.work\.allowFrom/);
  for (const own of [{ allowFrom: ["bob"] }, { groupAllowFrom: ["bob"] }, { groupPolicy: "open" }, { groups: { lab: {} } }]) {
    assert.equal(told(own), undefined, JSON.stringify(own));
  }
});
