import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile } from "./file.ts";
import type { ErrorFrame } from "./frames.ts";
import { Outbox } from "./outbox.ts";

const draft = (id: string, room = "lab", text = "hi") => ({ id, room, text });
const error = (more: Partial<ErrorFrame>): ErrorFrame => ({ code: 1001, name: "bad_json", message: "no", retry: "after_fix", ...more });

test("one message is under way at a time, in the order in which they were said", () => {
  const outbox = new Outbox(memoryFile());
  outbox.add([draft("a"), draft("b")]);
  assert.equal(outbox.next()?.id, "a");
  assert.equal(outbox.next(), undefined);
  outbox.acknowledge({ room: "lab", id: "a", delivered: 1 });
  assert.equal(outbox.next()?.id, "b");
});

test("a refusal without an id, or with a frame's type in its place, settles exactly the message under way", async () => {
  for (const about of [{}, { ref: "message" }]) {
    const outbox = new Outbox(memoryFile());
    const [first, second] = outbox.add([draft("a"), draft("b")]);
    outbox.next();
    assert.deepEqual(outbox.refuse(error(about), 0), { kind: "refused" });
    assert.equal((await first)?.kind, "refused");
    assert.equal(outbox.next()?.id, "b");
    outbox.acknowledge({ room: "lab", id: "b", delivered: 1 });
    assert.equal((await second)?.kind, "stored");
  }
});

test("a refusal of something else settles nothing", () => {
  const outbox = new Outbox(memoryFile());
  outbox.add([draft("a")]);
  outbox.next();
  assert.deepEqual(outbox.refuse(error({ ref: "receipt" }), 0), { kind: "unknown" });
  assert.deepEqual(outbox.refuse(error({ name: "no_such_room", ref: "duo" }), 0), { kind: "unknown" });
  assert.equal(outbox.size, 1);
});

test("what is put off holds back what goes to the same place, and nothing else", () => {
  const outbox = new Outbox(memoryFile());
  outbox.add([draft("a"), draft("b"), draft("c", "duo")]);
  outbox.next(0);
  assert.deepEqual(outbox.refuse(error({ ref: "a", retry: "later" }), 1000, 0), { kind: "later" });
  assert.equal(outbox.next(1)?.id, "c");
  outbox.acknowledge({ room: "duo", id: "c", delivered: 1 });
  assert.equal(outbox.next(2), undefined);
  assert.equal(outbox.next(1000)?.id, "a");
});

test("what can never be sent is refused before it is queued, and an old one is expelled", async () => {
  const file = memoryFile([draft("old", "lab", "cut \ud83d"), draft("good")]);
  const outbox = new Outbox(file);
  assert.deepEqual(outbox.expel(undefined).map((it) => it.draft.id), ["old"]);
  assert.equal((await outbox.add([draft("new", "lab", "cut \ud83d")])[0])?.kind, "refused");
  assert.deepEqual(outbox.drafts().map((it) => it.id), ["good"]);
});

test("an acknowledgement is of the message to its own room, whatever else has the same id", async () => {
  const outbox = new Outbox(memoryFile());
  const [first] = outbox.add([{ to: "bob", id: "x", text: "hi" }, { to: "eve", id: "x", text: "hi" }, draft("x")]);
  outbox.next(0);
  outbox.refuse(error({ ref: "x", retry: "later" }), 1000, 0);
  assert.equal(outbox.next(1)?.to, "eve");
  assert.equal(outbox.acknowledge({ room: "dm:eve:me", id: "x", delivered: 1 })?.to, "eve");
  assert.equal(outbox.next(2)?.room, "lab");
  assert.equal(outbox.acknowledge({ room: "lab", id: "x", delivered: 1 })?.room, "lab");
  assert.equal(outbox.next(1000)?.to, "bob");
  outbox.acknowledge({ room: "dm:bob:me", id: "x", delivered: 1 });
  assert.equal((await first)?.kind, "stored");
});
