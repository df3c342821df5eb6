import assert from "node:assert/strict";
import { test } from "node:test";
import { isAnswer, isApology } from "./host-notices.ts";

test("what the gateway says about itself is no answer to a bot", () => {
  const check = (payload: Parameters<typeof isAnswer>[0], expected: boolean) => assert.equal(isAnswer(payload), expected, payload.text);
  check({ text: "I'm continuing your interrupted request now." }, false);
  check({ text: "I couldn’t confirm whether my previous reply reached this chat, so I won’t resend it automatically. Please ask for any missing remainder." }, false);
  check({ text: "⚠️ Agent couldn't generate a response." }, false);
  check({ text: "compacting", isCompactionNotice: true }, false);
  check({ text: "I couldn’t confirm whether the garden has a gate." }, true);
  check({ text: "" }, true);
});

test("an apology says that there is no answer", () => {
  assert.equal(isApology("⚠️ OpenClaw couldn't produce a reply."), true);
  assert.equal(isApology("I'm continuing your interrupted request now."), false);
});
