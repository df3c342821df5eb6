// What the hub's log says about a room, asked when it is needed.
//
// The log is the buffer: what was said beside the point, what waits, who is there. Nothing of it is
// kept here but what was shown to the agent already.

import { HubRefusal } from "./errors.ts";
import type { Entry, HubClient } from "./hub-client.ts";
import type { Delivery } from "./frames.ts";
import type { Outcome } from "./turns.ts";

/** So many entries that were not addressed to the agent are shown with the next one that is. */
const UNREAD = 12;
/** A digest reads no further, and says so; what is newer makes the next one. */
export const DIGEST_MAX = 1000;
const PAGE = 100;

/** What of the hub is used here. */
export type Log = Pick<HubClient, "ask" | "bot">;
type Digested = { through: number; ids: Set<string>; outcome: Outcome };

export class Rooms {
  readonly #client: Log;
  /** Up to where the agent has seen a room. */
  readonly #shown = new Map<string, number>();
  /** The newest digest of a room: what it covers, and what came of it. */
  readonly #digests = new Map<string, Digested>();

  constructor(client: Log) {
    this.#client = client;
  }

  /** Whether an entry answers something that this bot said. */
  async repliesToMe(entry: Entry, said: ReadonlySet<string>): Promise<boolean> {
    if (entry.reply_to === undefined) return false;
    if (said.has(entry.reply_to)) return true;
    try {
      // Said before this process began: the hub answers about our own messages only.
      const report = await this.#client.ask({ type: "status", id: entry.reply_to });
      return report.from === this.#client.bot;
    } catch (error) {
      if (error instanceof HubRefusal) return false;
      throw error;
    }
  }

  /** What was said before an entry and not shown yet. */
  async unread(entry: Entry): Promise<Entry[]> {
    const shown = this.#shown.get(entry.room);
    // At the start of a process nothing is known to be unread; the session remembers what it saw.
    if (shown === undefined || shown >= entry.seq - 1) return [];
    const page = await this.#history(entry.room, { before: entry.seq, limit: UNREAD });
    return page.filter((it) => it.seq > shown && it.from !== this.#client.bot && it.reply_to !== entry.id);
  }

  saw(entry: Entry): void {
    this.#shown.set(entry.room, Math.max(entry.seq, this.#shown.get(entry.room) ?? 0));
  }

  /** The entry and what came after it, up to a bound; `more` says whether anything lies beyond. */
  async waitingFrom(entry: Entry): Promise<{ entries: Entry[]; more: boolean }> {
    const entries: Entry[] = [entry];
    for (;;) {
      const after = entries.at(-1)?.seq ?? entry.seq;
      const page = await this.#history(entry.room, { after, limit: PAGE });
      if (page.length === 0) return { entries, more: false };
      entries.push(...page);
      if (entries.length > DIGEST_MAX) return { entries: entries.slice(0, DIGEST_MAX), more: true };
    }
  }

  /** The agent has read all these at once. */
  digested(entries: readonly Entry[], outcome: Outcome): void {
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#digests.set(first.room, { through: last.seq, ids: new Set(entries.map((it) => it.id)), outcome });
    this.#shown.set(first.room, last.seq);
  }

  /** What came of an entry that the agent has read in a digest. */
  digestOf(entry: Entry): Outcome | undefined {
    const digest = this.#digests.get(entry.room);
    if (digest === undefined) return undefined;
    if (entry.seq > digest.through) this.#digests.delete(entry.room);
    return digest.ids.has(entry.id) ? digest.outcome : undefined;
  }

  /** Whether more than two bots belong to the room: then only who is addressed answers. */
  async isCrowd(room: string): Promise<boolean> {
    const { bots } = await this.#client.ask({ type: "who", room });
    return new Set([...bots.map((it) => it.bot), this.#client.bot]).size > 2;
  }

  async #history(room: string, range: { before?: number; after?: number; limit: number }): Promise<Entry[]> {
    const page = await this.#client.ask({ type: "history", room, ...range });
    return page.entries.filter(isEntry);
  }
}

function isEntry(entry: Delivery): entry is Entry {
  return entry.id !== undefined && entry.seq !== undefined;
}
