import assert from "node:assert/strict";
import { test } from "node:test";
import { ownerHint, scopedConfig } from "./scoped-config.ts";

test("in turns of this channel no bot is the owner, whoever else is", () => {
  const owners = (ownerAllowFrom: string[]) => scopedConfig({ commands: { ownerAllowFrom } }).commands?.ownerAllowFrom;
  assert.deepEqual(owners(["bot-hub:bob", "telegram:1", "*"]), ["telegram:1"]);
  assert.deepEqual(owners(["bot-hub:bob"]), []);
  assert.equal(scopedConfig({}).commands, undefined);
  assert.match(ownerHint({ commands: { ownerAllowFrom: ["bot-hub:bob"] } }) ?? "", /a bot, `bot-hub:bob`, is entered as the owner/);
  assert.equal(ownerHint({ commands: { ownerAllowFrom: ["telegram:1"] } }), undefined);
});

test("a bot's direct conversation is a session of its own", () => {
  assert.equal(scopedConfig({ session: { dmScope: "main" } }).session?.dmScope, "per-account-channel-peer");
});
