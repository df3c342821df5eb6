// The stop for conversations that no person takes part in.
//
// Owns how many turns a room has had since a person spoke there or the conversation began anew, on
// disk, and which rooms stand still because of it. Never reads a message; what waits stays at the hub.

import { isRecord, type JsonFile } from "../client/index.js";

/** A bot's answers in one conversation without a person; between 25 and 40 no honest one was stopped. */
export const TURNS_MAX = 30;
/** A stop ends by itself, so that a loop of the night does not cost the work of the morning. */
export const STOPPED_MS = 6 * 60 * 60_000;
/** After it there are only so many turns. */
export const TURNS_AFTER_STOP = 10;
/** Whoever writes after such a silence, times the other members, begins anew. */
const ANEW_MS = 10 * 60_000;
/** A second stop within this time stays until somebody lifts it. */
const AGAIN_MS = 24 * 60 * 60_000;

export type Stop = { room: string; turns: number; since: number; until?: number };
type Count = { turns: number; lastAt: number; stoppedAt?: number; stays?: true; stoppedBefore?: number };

export class Loops {
  readonly #rooms = new Map<string, Count>();
  readonly #file: JsonFile;

  constructor(file: JsonFile) {
    this.#file = file;
    const found = file.read();
    for (const [room, count] of Object.entries(isRecord(found) ? found : {})) if (isCount(count)) this.#rooms.set(room, count);
  }

  /** Something came that may lead to a turn: does it begin a conversation anew? */
  heard(room: string, by: { isPerson: boolean; others: number }, now = Date.now()): void {
    const count = this.#rooms.get(room);
    if (count === undefined) return;
    const isAnew = count.stoppedAt === undefined && now - count.lastAt > ANEW_MS * Math.max(1, by.others);
    if (!by.isPerson && !isAnew) return;
    // Speaking beside a loop lifts no stop: people talk beside loops.
    if (count.stoppedAt === undefined) this.#set(room, { ...count, turns: 0 });
  }

  /** The stop of a room, if it stands still. One that has run out is lifted here. */
  stopOf(room: string, now = Date.now()): Stop | undefined {
    const count = this.#rooms.get(room);
    if (count?.stoppedAt === undefined) return undefined;
    // The clock was ahead when it stopped: a stop lasts from now on at most.
    if (now < count.stoppedAt) {
      this.#set(room, { ...count, stoppedAt: now, lastAt: now });
      return this.stopOf(room, now);
    }
    const until = count.stays ? undefined : count.stoppedAt + STOPPED_MS;
    if (until === undefined || now < until) return { room, turns: count.turns, since: count.stoppedAt, ...(until === undefined ? {} : { until }) };
    this.#lift(room, count, now);
    return undefined;
  }

  /** A turn was had. Returns the stop if it was the last one. */
  had(room: string, max: number, now = Date.now()): Stop | undefined {
    const before = this.#rooms.get(room) ?? { turns: 0, lastAt: now };
    const count: Count = { ...before, turns: before.turns + 1, lastAt: now };
    if (count.turns >= max && count.stoppedAt === undefined) {
      count.stoppedAt = now;
      if (count.stoppedBefore !== undefined && now - count.stoppedBefore < AGAIN_MS) count.stays = true;
    }
    this.#set(room, count);
    return count.stoppedAt === undefined ? undefined : this.stopOf(room, now);
  }

  /** Somebody who may lifts the stop. Says whether there was one. */
  resume(room: string, now = Date.now()): boolean {
    const count = this.#rooms.get(room);
    if (count?.stoppedAt === undefined) return false;
    this.#set(room, { turns: 0, lastAt: now });
    return true;
  }

  turns(room: string): number {
    return this.#rooms.get(room)?.turns ?? 0;
  }

  stops(now = Date.now()): Stop[] {
    return [...this.#rooms.keys()].flatMap((room) => this.stopOf(room, now) ?? []);
  }

  #lift(room: string, count: Count, now: number): void {
    const stoppedBefore = count.stoppedAt ?? now;
    // Counted back from the room's own limit, at which it stopped: every room gets these turns and no more.
    this.#set(room, { turns: Math.max(0, count.turns - TURNS_AFTER_STOP), lastAt: now, stoppedBefore });
  }

  #set(room: string, count: Count): void {
    this.#rooms.set(room, count);
    this.#file.keep(Object.fromEntries(this.#rooms));
  }
}

export function stopSentence({ room, turns, since, until }: Stop): string {
  const end = until === undefined ? "until you lift it" : `until ${new Date(until).toISOString()} at the latest`;
  return (
    `the room \`${room}\` stands still since ${new Date(since).toISOString()}, ${end}: ${turns} turns without a person; ` +
    `what waits there stays at the hub; hint: \`openclaw bothub resume ${room}\`, or \`/bothub resume ${room}\` in your chat`
  );
}

function isCount(value: unknown): value is Count {
  return isRecord(value) && typeof value["turns"] === "number" && typeof value["lastAt"] === "number";
}
