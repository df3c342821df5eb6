import assert from "node:assert/strict";
import { test } from "node:test";
import { noteWords, sessionOf } from "./claims.ts";

const LAB = "agent:main:bot-hub:group:lab";

test("words are of the session that said them, in its own conversation and for a while", () => {
  noteWords(LAB, "it is", 1_000);
  noteWords(LAB, "it is v2.1 ", 1_000);
  noteWords("agent:main:cron:job", "good morning", 1_000);
  const check = (to: string, text: string, expected: string | undefined, now = 2_000) => assert.equal(sessionOf(to, text, now), expected, text);
  check("room:lab", "it is v2.1", LAB);
  check("room:den", "it is v2.1", undefined);
  check("room:lab", "it is", undefined);
  check("room:lab", "good morning", undefined);
  check("room:lab", "it is v2.1", undefined, 200_000);
  const long = "a line of words\n".repeat(100);
  noteWords(LAB, long, 3_000);
  check("room:lab", long.slice(0, 800), LAB, 4_000);
  noteWords("agent:main:bot-hub:group:@bob", "hello", 3_000);
  check("bot:bob", "hello", "agent:main:bot-hub:group:@bob", 4_000);
});
