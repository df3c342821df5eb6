import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../client/index.js";
import { several, type Item } from "./several.ts";

const item = (seq: number, more: Partial<Item> & { from?: string; text?: string } = {}): Item => {
  const { from = "bob", text = `message ${seq}` } = more;
  const entry: Entry = { id: `e${seq}`, seq, room: "lab", from, text, age_ms: 180_000 };
  return { entry, text, role: "talk", addressed: false, ...more };
};
const read = (items: Item[]) => several(items, "lab", false, [], 0, false);

test("what waits is shown in its order, with its age, and what came later is marked", () => {
  const { text, shown } = read([item(1, { text: "deploy", addressed: true }), item(2, { from: "carol" }), item(3, { text: "cancelled", addressed: true })]);
  assert.equal(
    text,
    [
      "[3 messages waited in room lab; in their order, ages as of now]",
      "[1 of 3; bob; sent 3 min ago; to you]\n> deploy",
      "[2 of 3; carol; sent 3 min ago]\n> message 2",
      "[3 of 3; bob; sent 3 min ago; to you; later than 1 by bob: it may replace what was said there]\n> cancelled",
      "Read all of it first. Then answer once, to what still matters. If nothing does, reply with exactly NO_REPLY.",
    ].join("\n\n"),
  );
  assert.deepEqual([...shown.values()], ["whole", "whole", "whole"]);
});

test("each of several requests is to be answered under its own id", () => {
  const { text } = read([item(1, { role: "request" }), item(2, { role: "request", from: "carol" })]);
  assert.match(text, /\[1 of 2; bob; sent 3 min ago; a request to you\]/);
  assert.match(text, /The requests \(1: id "e1", 2: id "e2"\) each get an answer of their own: use bot_hub_answer/);
});

test("what is addressed is whole however much waits, and what is left out is named with its ids and how to read it", () => {
  const long = "x".repeat(5000);
  const items = Array.from({ length: 120 }, (_, at) => item(at + 1, at === 4 ? { addressed: true, text: `urgent ${long}` } : { text: `${at + 1} ${"y".repeat(500)}` }));
  const { text, shown } = read(items);
  assert.ok(text.includes(`urgent ${long}`));
  assert.equal(shown.get((items[4] as Item).entry), "whole");
  const count = (how: string) => [...shown.values()].filter((it) => it === how).length;
  assert.deepEqual([count("whole") > 10, count("shortened"), count("whole") + count("shortened") + count("named")], [true, 30, 120]);
  assert.match(text, /\[Left out here: 4 messages not addressed to you, of bob \(4\); numbers 1 to 4, ids "e1" to "e4"; read them with bot_hub_history \{"room":"lab","after":0,"limit":4\}\]/);
  assert.match(text, /shortened, whole with bot_hub_history id "e\d+"\]/);
  assert.ok(text.length < 30_000, `${text.length}`);
});

test("a long message that is not addressed is shortened, and said to be", () => {
  const { shown } = read([item(1, { text: "z".repeat(9000) }), item(2)]);
  assert.deepEqual([...shown.values()].sort(), ["shortened", "whole"]);
});
