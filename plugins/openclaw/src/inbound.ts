// From the entries that the hub delivered to a turn, or to the receipts that say why there is none.
//
// Owns the order of the steps: everything that waits in a room is read at once. What is not adopted by
// OpenClaw stays unacknowledged, so that the hub delivers it again.

import { type Entry, memoryFile, pause } from "../client/index.js";
import { entryKey } from "./entry-key.ts";
import { isPassing, messageOf, outward } from "./errors.ts";
import { Judge, type InboundOptions } from "./judge.ts";
import { Lanes } from "./lane.ts";
import { isAdmitted } from "./config.ts";
import { Losses } from "./losses.ts";
import { meaningOf, piecesOf } from "./meaning.ts";
import { readName } from "./names.ts";
import { Rooms } from "./rooms.ts";
import { readTogether } from "./together.ts";

export type { InboundOptions };

/** A model's turn takes seconds; so long nobody notices. */
const GATHER_MS = 40;
/** Before entries are given up, OpenClaw is asked so often, after these waits. */
const RETRY_MS = [500, 2_000, 10_000, 30_000];

export class Inbound {
  readonly #options: InboundOptions;
  readonly #lanes: Lanes;
  readonly #rooms: Rooms;
  readonly #judge: Judge;
  /** What will never arrive in its rooms. */
  readonly losses: Losses;
  /** What waits in each room for the turn that runs there. */
  readonly #waiting = new Map<string, Entry[]>();
  /** Entries that wait or are read: the hub may deliver them again after a reconnect. */
  readonly #queued = new Set<string>();

  constructor(options: InboundOptions) {
    this.#options = options;
    this.#lanes = new Lanes((room, error) => options.log(`entries of ${room} could not be handled: ${messageOf(error)}`));
    this.#rooms = new Rooms(options.live.client, options.seen);
    this.#judge = new Judge(options, this.#rooms);
    this.losses = new Losses(options.losses ?? memoryFile());
  }

  take(entry: Entry): void {
    const { live } = this.#options;
    if (entry.from === live.client.bot || this.#queued.has(entryKey(entry)) || live.turns.isKnown(entry)) return;
    // The turn that waits for this answer is in the lane; behind it the two would wait for each other.
    if (this.#isAwaited(entry)) return live.turns.end(entry, { state: "done", reason: "taken as the answer that was waited for" });
    this.#rooms.began(entry);
    this.#queued.add(entryKey(entry));
    const waiting = this.#waiting.get(entry.room);
    if (waiting !== undefined) return void waiting.push(entry);
    this.#waiting.set(entry.room, [entry]);
    this.#lanes.add(entry.room, () => this.#round(entry.room));
  }

  /** Goes on with what waits in a room, if it may. */
  wake(room: string): void {
    if (this.#waiting.has(room)) this.#lanes.add(room, () => this.#round(room));
  }

  /** The rooms in which something waits for the end of a stop. */
  get held(): string[] {
    return [...this.#waiting.keys()].filter((room) => this.#lanes.behind(room) === 0);
  }

  async #round(room: string): Promise<void> {
    const { live } = this.#options;
    // Nothing is received then: it waits at the hub, and is read in one turn after the stop.
    if (live.loops.stopOf(room) !== undefined) return;
    await this.#gather(room);
    const entries = this.#waiting.get(room) ?? [];
    this.#waiting.delete(room);
    live.client.presence("busy");
    let left: readonly Entry[] = [];
    try {
      left = await this.#persist(room, entries);
    } finally {
      const kept = new Set(left);
      for (const entry of entries) if (!kept.has(entry)) this.#queued.delete(entryKey(entry));
      if (this.#lanes.busy <= 1) live.client.presence("idle");
    }
    if (left.length === 0) return;
    const newer = this.#waiting.get(room);
    this.#waiting.set(room, [...left, ...(newer ?? [])]);
    // Entries that came meanwhile have called for their round already.
    if (newer === undefined) this.#lanes.add(room, () => this.#round(room));
  }

  /** What comes together is read together: the hub hands over a whole window when a bot is back. */
  async #gather(room: string): Promise<void> {
    for (let count = 0; ; ) {
      await pause(GATHER_MS, this.#options.signal);
      const waiting = this.#waiting.get(room) ?? [];
      const { index = 0, total = 0 } = waiting.at(-1)?.backlog ?? {};
      if (index >= total || waiting.length === count) return;
      count = waiting.length;
    }
  }

  /**
   * Handles entries in spite of a hub that goes away or an OpenClaw that is not ready. A receipt is
   * a fact: as long as nobody took an entry, there is none, and a restart gets it delivered again.
   */
  async #persist(room: string, all: readonly Entry[]): Promise<readonly Entry[]> {
    const { live, signal, log } = this.#options;
    let entries = all;
    for (let [attempt, tries] = [0, 0]; !signal.aborted; tries++) {
      try {
        return await this.#handle(entries);
      } catch (error) {
        if (signal.aborted) break;
        const left = this.#withoutAdopted(entries, error);
        if (left.length < entries.length) log(`a turn in \`${room}\` failed: ${messageOf(error)}`);
        entries = left;
        if (entries.length === 0) break;
        if (attempt === RETRY_MS.length) {
          log(`what waits in \`${room}\` is given up: ${messageOf(error)}`);
          const reason = outward(error);
          live.turns.together(() => entries.forEach((entry) => live.turns.end(entry, { state: "failed", reason })));
          break;
        }
        log(`what waits in \`${room}\` is tried again: ${messageOf(error)}`);
        const wait = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] as number;
        // The hub and the disk come back: entries that wait for them are not given up.
        if (live.client.connected && !isPassing(error)) attempt++;
        await pause(wait, signal);
      }
    }
    return [];
  }

  /** A turn that OpenClaw took is not repeated, whatever failed after that; if it was answered, it stays answered. */
  #withoutAdopted(entries: readonly Entry[], error: unknown): Entry[] {
    const { turns } = this.#options.live;
    const adopted = entries.filter((it) => turns.find(entryKey(it)) !== undefined);
    turns.together(() => adopted.forEach((it) => turns.end(it, { state: "failed", reason: outward(error) })));
    return entries.filter((it) => !adopted.includes(it));
  }

  /** Returns the entries that are left for the next turn. */
  async #handle(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const { live } = this.#options;
    const fresh: Entry[] = [];
    for (const entry of entries) {
      const ahead = this.#rooms.aheadOf(entry);
      if (ahead === undefined) fresh.push(entry);
      else live.turns.end(entry, ahead);
    }
    const last = fresh.at(-1);
    if (last === undefined) return [];
    const behind = (last.backlog?.total ?? 0) - (last.backlog?.index ?? 0);
    // The hub hands over a window; what waits behind it is in the log already.
    const { entries: later, more } = behind > 0 ? await this.#rooms.waitingAfter(last, fresh.length) : { entries: [], more: false };
    const others = later.filter((it) => it.from !== live.client.bot);
    return readTogether({ options: this.#options, rooms: this.#rooms, losses: this.losses, judge: this.#judge, delivered: fresh, ahead: others, more });
  }

  /** Whether somebody waits for this answer, and no turn is needed. */
  #isAwaited(entry: Entry): boolean {
    const { live, account } = this.#options;
    if (account.protocol === "off") return false;
    if (live.requests.open.outgoing.length === 0) return false;
    const pieces = piecesOf(entry.text);
    for (const { block } of pieces) {
      // A handed-over request is answered by another bot than the one that was asked, in the same room.
      const to = block?.type === "HANDOFF" ? readName(block.to) : undefined;
      if (block !== null && to !== undefined) live.requests.handedOn(block.requestId, entry.room, entry.from, to);
    }
    const meaning = meaningOf(entry, live.client.bot ?? "", pieces, true);
    // A bot that only reads along knows the request's id, too: its RESPONSE is a message like any other.
    if (meaning.kind !== "response" || !live.requests.mayAnswer(meaning.requestId, entry.room, entry.from)) return false;
    if (!isAdmitted(account, entry.room, entry.from)) return false;
    return live.requests.answered(meaning.requestId, `${meaning.text}\n(message ${entry.id})`, !meaning.isPartial);
  }
}
