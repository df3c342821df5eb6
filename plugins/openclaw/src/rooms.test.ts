import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, Question } from "./asks.ts";
import { HubRefusal } from "./errors.ts";
import type { Entry } from "./hub-client.ts";
import { DIGEST_MAX, Rooms, type Log } from "./rooms.ts";

const entry = (seq: number, more: Partial<Entry> = {}): Entry => ({ id: `e${seq}`, seq, room: "lab", from: "bob", text: `${seq}`, ...more });

/** A hub with one room, that knows which messages `me` sent. */
function hub(log: Entry[], bots = ["me", "bob"]): Log {
  const answer = (question: Question): unknown => {
    switch (question.type) {
      case "history": {
        const fits = log.filter((it) => it.seq > (question.after ?? 0) && it.seq < (question.before ?? Infinity));
        const limit = question.limit ?? 100;
        return { entries: question.after === undefined ? fits.slice(-limit) : fits.slice(0, limit), has_more: false };
      }
      case "who":
        return { bots: bots.map((bot) => ({ bot, state: "online" })) };
      case "status": {
        const found = log.find((it) => it.id === question.id && it.from === "me");
        if (found !== undefined) return { from: "me" };
        throw new HubRefusal({ code: 3005, name: "no_such_message", message: "no message with that id", retry: "never" });
      }
      case "rooms":
        return { rooms: [] };
    }
  };
  return { bot: "me", ask: async <Q extends Question>(question: Q) => answer(question) as Answer<Q> };
}

test("the agent is shown once what was said since it last looked", async () => {
  const log = [1, 2, 3, 4, 5].map((seq) => entry(seq, seq === 3 ? { from: "me" } : {}));
  const rooms = new Rooms(hub(log));
  const ids = async (seq: number) => {
    const found = await rooms.unread(entry(seq));
    rooms.saw(entry(seq));
    return found.map((it) => it.id);
  };
  assert.deepEqual(await ids(1), []);
  assert.deepEqual(await ids(5), ["e2", "e4"]);
  assert.deepEqual(await ids(6), []);
});

test("everything that waits is found, over many pages", async () => {
  const log = Array.from({ length: 250 }, (_, at) => entry(at + 1));
  const { entries, more } = await new Rooms(hub(log)).waitingFrom(entry(1));
  assert.equal(entries.length, 250);
  assert.equal(entries.at(-1)?.id, "e250");
  assert.equal(more, false);
});

test("a digest has an end, and knows that it was cut there", async () => {
  const waiting = async (count: number) => {
    const log = Array.from({ length: count }, (_, at) => entry(at + 1));
    const { entries, more } = await new Rooms(hub(log)).waitingFrom(entry(1));
    return [entries.length, more];
  };
  assert.deepEqual(await waiting(DIGEST_MAX), [DIGEST_MAX, false]);
  assert.deepEqual(await waiting(DIGEST_MAX + 1), [DIGEST_MAX, true]);
});

test("an entry of a digest ends as the digest did, and a later one does not", () => {
  const rooms = new Rooms(hub([]));
  rooms.digested([entry(1), entry(2)], { state: "answered", reply: "r" });
  assert.deepEqual(rooms.digestOf(entry(2)), { state: "answered", reply: "r" });
  assert.equal(rooms.digestOf(entry(3)), undefined);
});

test("an answer to an own message is recognised, also to one from before the start", async () => {
  const rooms = new Rooms(hub([entry(1, { from: "me", id: "mine" })]));
  const repliesToMe = (reply_to?: string) => rooms.repliesToMe(entry(2, reply_to === undefined ? {} : { reply_to }), new Set(["new"]));
  assert.equal(await repliesToMe("new"), true);
  assert.equal(await repliesToMe("mine"), true);
  assert.equal(await repliesToMe("other"), false);
  assert.equal(await repliesToMe(), false);
});

test("three bots are a crowd", async () => {
  assert.equal(await new Rooms(hub([])).isCrowd("lab"), false);
  assert.equal(await new Rooms(hub([], ["me", "bob", "carol"])).isCrowd("lab"), true);
});
