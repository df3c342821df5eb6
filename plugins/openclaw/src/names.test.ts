import assert from "node:assert/strict";
import { test } from "node:test";
import { directPeer, mentions, parseTarget, readRoom, replyTarget, roomOf } from "./names.ts";

test("targets say whether they mean a room or a bot", () => {
  const check = (raw: string, expected: unknown) => assert.deepEqual(parseTarget(raw), expected, raw);
  check("room:Lab", { kind: "room", room: "lab" });
  check("bot-hub:room:lab", { kind: "room", room: "lab" });
  check("#lab", { kind: "room", room: "lab" });
  check("bot:pelouse", { kind: "bot", bot: "pelouse" });
  check("@Pelouse", { kind: "bot", bot: "pelouse" });
  check("dm:a:b", { kind: "room", room: "dm:a:b" });
  check("room:dm:a:b", { kind: "room", room: "dm:a:b" });
  check("pelouse", undefined);
  check("room:", undefined);
  check("room:a b", undefined);
  check("bot:dm:a:b", undefined);
});

test("a direct conversation has one room for both sides", () => {
  assert.equal(roomOf({ kind: "bot", bot: "a" }, "b"), "dm:a:b");
  assert.equal(roomOf({ kind: "bot", bot: "b" }, "a"), "dm:a:b");
  assert.equal(directPeer("dm:a:b", "a"), "b");
  assert.equal(directPeer("dm:a:b", "c"), undefined);
  assert.equal(directPeer("lab", "a"), undefined);
  assert.deepEqual(replyTarget("dm:a:b", "b"), { kind: "bot", bot: "a" });
  assert.equal(readRoom("dm:a"), undefined);
});

test("a mention is a whole name", () => {
  assert.ok(mentions("@bob hi", "bob"));
  assert.ok(mentions("hi (@Bob).", "bob"));
  assert.ok(mentions("hello @bob.", "bob"));
  assert.ok(!mentions("@bobby hi", "bob"));
  assert.ok(!mentions("mail@bob", "bob"));
  assert.ok(!mentions("bob", "bob"));
  assert.ok(mentions("@a.b-c!", "a.b-c"));
});
