import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, type Entry, HubRefusal, memoryFile, type Question } from "../client/index.js";
import { Rooms, TOGETHER_MAX, type Log } from "./rooms.ts";

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

test("the agent is shown once what was said since it last looked, also over a restart", async () => {
  const log = [1, 2, 3, 4, 5].map((seq) => entry(seq, seq === 3 ? { from: "me" } : {}));
  const file = memoryFile();
  let rooms = new Rooms(hub(log), file);
  const ids = async (seq: number) => {
    rooms.began(entry(seq));
    const { entries } = await rooms.unread(entry(seq));
    rooms.saw(entry(seq));
    return entries.map((it) => it.id);
  };
  assert.deepEqual(await ids(1), []);
  rooms = new Rooms(hub(log), file);
  assert.deepEqual(await ids(5), ["e2", "e4"]);
  assert.deepEqual(await ids(6), []);
});

test("what was noted before the first turn is shown with it", async () => {
  const rooms = new Rooms(hub([entry(1), entry(2)]));
  rooms.began(entry(2));
  assert.deepEqual((await rooms.unread(entry(3))).entries.map((it) => it.id), ["e2"]);
});

test("what is too much to show is counted", async () => {
  const log = Array.from({ length: 40 }, (_, at) => entry(at + 1));
  const rooms = new Rooms(hub(log));
  rooms.began(entry(1));
  const { entries, hidden } = await rooms.unread(entry(41));
  assert.deepEqual([entries.length, entries[0]?.seq, hidden], [12, 29, 28]);
});

test("everything that waits is found, over many pages, and has an end that is known", async () => {
  const waiting = async (count: number) => {
    const log = Array.from({ length: count }, (_, at) => entry(at + 1));
    const { entries, more } = await new Rooms(hub(log)).waitingAfter(entry(1), 1);
    return [entries.length, entries.at(-1)?.id, more];
  };
  assert.deepEqual(await waiting(250), [249, "e250", false]);
  assert.deepEqual(await waiting(TOGETHER_MAX), [TOGETHER_MAX - 1, `e${TOGETHER_MAX}`, false]);
  assert.deepEqual(await waiting(TOGETHER_MAX + 1), [TOGETHER_MAX - 1, `e${TOGETHER_MAX}`, true]);
});

test("what was read ahead has its own end when it is delivered, and a later one has none", () => {
  const rooms = new Rooms(hub([]));
  const [answered, done] = [{ state: "answered", reply: "r" } as const, { state: "done", reason: "noted" } as const];
  rooms.readAhead("lab", new Map([["lab/bob/e1", answered], ["lab/bob/e2", done]]), 2);
  assert.deepEqual(rooms.aheadOf(entry(1)), answered);
  assert.equal(rooms.aheadOf(entry(2, { from: "eve" })), undefined);
  assert.deepEqual(rooms.aheadOf(entry(2)), done);
  assert.equal(rooms.aheadOf(entry(3)), undefined);
});

test("who belongs to a room is known, and who of them is a person", async () => {
  assert.deepEqual(await new Rooms(hub([], ["bob"])).members("lab"), [{ bot: "bob", isPerson: false }, { bot: "me", isPerson: false }]);
});

test("an answer to an own message is recognised, also to one from before the start", async () => {
  const rooms = new Rooms(hub([entry(1, { from: "me", id: "mine" })]));
  const repliesToMe = (reply_to?: string) => rooms.repliesToMe(entry(2, reply_to === undefined ? {} : { reply_to }), new Set(["new"]));
  assert.equal(await repliesToMe("new"), true);
  assert.equal(await repliesToMe("mine"), true);
  assert.equal(await repliesToMe("other"), false);
  assert.equal(await repliesToMe(), false);
});
