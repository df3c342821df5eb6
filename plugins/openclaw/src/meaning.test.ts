import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../client/index.js";
import type { Block } from "./blocks.ts";
import { furtherRequests, meaningOf, piecesOf } from "./meaning.ts";

const entry = (more: Partial<Entry> = {}): Entry => ({ id: "e", seq: 1, room: "lab", from: "bob", text: "hi", ...more });
const block = (more: Partial<Block>): Block => ({
  type: "REQUEST", to: "Me", from: "Bob", requestId: "r1", task: "count", result: null, context: null, depth: null,
  callback: null, priority: null, status: null, question: null, message: null, ...more,
});

test("a block becomes plain language and says who gets the answer", () => {
  const check = (more: Partial<Block>, expected: object) => {
    const { kind, text, replyTo } = { replyTo: undefined, ...meaningOf(entry(), "me", [{ block: block(more), text: "" }], false) };
    assert.deepEqual({ kind, text, replyTo }, { replyTo: undefined, ...expected });
  };
  check({}, { kind: "request", text: "bob asks Me: count", replyTo: "bob" });
  check({ from: "eve" }, { kind: "request", text: "bob (signing as eve) asks Me: count", replyTo: "bob" });
  check({ type: "HANDOFF", callback: "alice" }, { kind: "request", text: "bob hands a task over to Me: count", replyTo: "alice" });
  check({ type: "CLARIFY", question: "which?" }, { kind: "request", text: "bob asks Me back: which?", replyTo: "bob" });
  check({ context: "audit", priority: "high" }, { kind: "request", text: "bob asks Me: count\nBackground: audit\nIt is urgent.", replyTo: "bob" });
  check({ type: "RESPONSE", result: "3" }, { kind: "response", text: "bob answers Me: 3" });
  check({ type: "BROADCAST", to: "all", message: "done" }, { kind: "context", text: "bob tells everybody: done" });
  check({ to: "carol" }, { kind: "context", text: "bob asks carol: count" });
});

test("a reply to me that speaks to somebody else is for them", () => {
  const addressed = (text: string) => meaningOf(entry({ text }), "me", [{ block: null, text }], true).addressed;
  assert.deepEqual([addressed("thanks"), addressed("@carol look at this"), addressed("@carol and @me look")], [true, false, true]);
});

const fenced = (id: string, to = "me") => ["```", `[REQUEST → @${to}]`, "From: bob", `RequestId: ${id}`, `Task: count ${id}`, "```"].join("\n");

test("the words around a block and further blocks are read, too", () => {
  const text = `Good morning!\n${fenced("bob-aaa111")}\nand then\n${fenced("bob-bbb222")}\nthanks`;
  const pieces = piecesOf(text);
  const meaning = meaningOf(entry({ text }), "me", pieces, false);
  assert.equal(meaning.kind, "request");
  assert.equal(meaning.text, "Good morning!\n\nbob asks me: count bob-aaa111\n\nand then\n\nbob asks me: count bob-bbb222\n\nthanks");
  assert.deepEqual(furtherRequests(entry({ text }), "me", pieces).map((it) => it.requestId), ["bob-bbb222"]);
});

test("a block for me counts, wherever it stands; words to me beside a block for others do, too", () => {
  const kind = (text: string) => meaningOf(entry({ text }), "me", piecesOf(text), false).kind;
  assert.equal(kind(`${fenced("bob-aaa111", "carol")}\n${fenced("bob-bbb222")}`), "request");
  assert.equal(kind(`@me look:\n${fenced("bob-aaa111", "carol")}`), "talk");
  assert.equal(kind(fenced("bob-aaa111", "carol")), "context");
});

test("no text takes longer to read than its length: fences, heads and gaps without an end", { timeout: 60_000 }, () => {
  // A reader that looks ahead from each fence would need minutes for these.
  const giant = 1024 * 1024;
  for (const text of ["```x\n[A →]\n", "```\n", "```\n\n\n", "```x\n[REQUEST → @me]\n", "[A →", "`", "\n", " \n["]) {
    const whole = text.repeat(Math.ceil(giant / text.length));
    assert.deepEqual(piecesOf(whole).flatMap((it) => it.block ?? []), [], JSON.stringify(text));
  }
});
