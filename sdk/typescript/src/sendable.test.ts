import assert from "node:assert/strict";
import { test } from "node:test";
import { splitText, unsendable } from "./sendable.ts";

const limits = { text_bytes: 5000, frame_bytes: 9000 };

test("what the hub would never take is refused with the reason", () => {
  const check = (text: string, expected: RegExp | undefined) => {
    const refusal = unsendable({ room: "lab", text }, limits);
    if (expected === undefined) assert.equal(refusal, undefined);
    else assert.match(refusal?.message ?? "nothing", expected);
  };
  check("fine 😀", undefined);
  check("cut \ud83d", /half of a character/);
  check("ä".repeat(2501), /the text has 5002 bytes, at most 5000 are allowed/);
  check("\u0001".repeat(2000), /the message has 1\d{4} bytes as JSON, at most 9000/);
});

test("a long text is cut where people would cut it, in order, and never in a character", () => {
  const check = (text: string) => {
    const parts = splitText(text, limits);
    assert.ok(parts.length > 1);
    for (const [at, part] of parts.entries()) {
      assert.equal(unsendable({ room: "lab", text: part }, limits), undefined);
      assert.ok(part.startsWith(`(${at + 1} of ${parts.length})\n`));
    }
    return parts.map((it) => it.slice(it.indexOf("\n") + 1));
  };
  const lines = Array.from({ length: 300 }, (_, at) => `line ${at} of a long answer`);
  assert.equal(check(lines.join("\n")).join("\n"), lines.join("\n"));
  assert.equal(check("😀".repeat(3000)).join(""), "😀".repeat(3000));
  assert.equal(check("\u0001".repeat(3000)).join(""), "\u0001".repeat(3000));
  assert.deepEqual(splitText("short", limits), ["short"]);
});
