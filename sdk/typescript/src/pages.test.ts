import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, Question } from "./asks.ts";
import { inFull } from "./pages.ts";

/** A hub that answers with these pages, one after the other. */
async function check(question: Question, pages: object[], asked: object[], whole: object) {
  const seen: object[] = [];
  const found = await inFull(question, async (question: Question) => {
    seen.push(question);
    return pages[seen.length - 1] as Answer<Question>;
  });
  assert.deepEqual([seen, JSON.parse(JSON.stringify(found))], [asked, whole]);
}

test("a question about rooms gets those of all pages", async () => {
  const room = (name: string) => ({ room: name });
  await check(
    { type: "rooms" },
    [{ type: "rooms", rooms: [room("a")], next: "a" }, { type: "rooms", rooms: [room("b")] }],
    [{ type: "rooms" }, { type: "rooms", after: "a" }],
    { type: "rooms", rooms: [room("a"), room("b")] },
  );
});

test("a bot that stands on two pages is one bot", async () => {
  const bot = (name: string) => ({ bot: name, state: "idle" });
  await check(
    { type: "who", room: "lab" },
    [{ type: "who", bots: [bot("a"), bot("b")], next: "x y" }, { type: "who", bots: [bot("b"), bot("c")] }],
    [{ type: "who", room: "lab" }, { type: "who", room: "lab", after: "x y" }],
    { type: "who", bots: [bot("a"), bot("b"), bot("c")] },
  );
});

test("the next page of a message's recipients is about the same message", async () => {
  const page = (bot: string) => ({ type: "status", id: "m", room: "lab", from: "me", recipients: [{ bot }] });
  await check(
    { type: "status", id: "m" },
    [{ ...page("a"), next: "7" }, page("b")],
    [{ type: "status", id: "m" }, { type: "status", id: "m", room: "lab", from: "me", after: "7" }],
    { ...page("a"), recipients: [{ bot: "a" }, { bot: "b" }] },
  );
});

test("an answer of one page is asked for once", async () => {
  await check({ type: "rooms" }, [{ type: "rooms", rooms: [] }], [{ type: "rooms" }], { type: "rooms", rooms: [] });
});

test("a hub whose pages lead back to an earlier one is not asked for ever", async () => {
  const next = ["a", "b", "a", "b"];
  let asked = 0;
  const circle = inFull({ type: "rooms" }, async () => ({ type: "rooms", rooms: [], next: next[asked++ % next.length] }) as Answer<Question & { type: "rooms" }>);
  await assert.rejects(circle, { name: "HubAway", message: "the hub's pages of `rooms` never end" });
  assert.equal(asked, 3);
});
