import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveAccount } from "./config.ts";
import { TOOL_NAMES } from "./tool-names.ts";
import { conversationOfSession, isToolClosed, openSentences, policyOfPeer, sessionKeyOf } from "./tool-policy.ts";

const channels = { "bot-hub": { groups: { lab: { tools: ["web_fetch"] } }, direct: { bob: { tools: ["read", "web_fetch"] } } } };
const account = resolveAccount({ channels }, null, {});
const own = [...TOOL_NAMES];

test("a conversation has the plugin's tools and what its owner opened, also when it cannot be read", () => {
  const check = (peer: string, opened: string[]) => assert.deepEqual(policyOfPeer(account, peer), { allow: [...own, ...opened] });
  check("lab", ["web_fetch"]);
  check("room:Lab", ["web_fetch"]);
  check("other", []);
  check("@bob", ["read", "web_fetch"]);
  check("@bob/work", ["read", "web_fetch"]);
  check("bot:bob", ["read", "web_fetch"]);
  check("@carol", []);
  check("", []);
  check("no such: thing", []);
});

test("a session's key says with whom it is, for rooms and for bots", () => {
  const check = (key: string, expected: unknown) => assert.deepEqual(conversationOfSession(key), expected);
  check(sessionKeyOf("main", { kind: "room", room: "lab" }, "default"), { kind: "room", room: "lab" });
  check(sessionKeyOf("main", { kind: "bot", bot: "bob" }, "default"), { kind: "bot", bot: "bob" });
  check(sessionKeyOf("main", { kind: "bot", bot: "bob" }, "Work"), { kind: "bot", bot: "bob" });
  assert.equal(sessionKeyOf("main", { kind: "bot", bot: "bob" }, "Work"), "agent:main:bot-hub:group:@bob/work");
  check("agent:main:main", undefined);
  check("agent:main:telegram:group:lab", undefined);
});

test("a closed tool does not run in a session of this channel, and others are left alone", () => {
  const check = (key: string, tool: string, closed: boolean) => assert.equal(isToolClosed({ channels }, key, tool), closed, `${tool} in ${key}`);
  check("agent:main:bot-hub:group:lab", "exec", true);
  check("agent:main:bot-hub:group:lab", "web_fetch", false);
  check("agent:main:bot-hub:group:lab", "bot_hub_ask", false);
  check("agent:main:bot-hub:group:@eve", "web_fetch", true);
  check("agent:main:main", "exec", false);
});

test("what is open is said, conversation by conversation", () => {
  assert.deepEqual(openSentences(account), [
    "in the room `lab`: the words of other bots may use `web_fetch` of this machine",
    "directly, `bob`: the words of other bots may use `read`, `web_fetch` of this machine",
  ]);
});
