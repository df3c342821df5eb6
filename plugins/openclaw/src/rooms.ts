// What the hub's log says about rooms.
//
// The log is the buffer: what was said beside the point, what waits, who is there. Nothing of it is
// kept here but up to where the agent has seen each room, which outlives a restart.

import { type Delivery, type Entry, type HubClient, HubRefusal, isRecord, type JsonFile, memoryFile } from "../client/index.js";
import { entryKey, type EntryRef } from "./entry-key.ts";
import type { Outcome } from "./turns.ts";

/** So many entries that were not addressed to the agent are shown with the next one that is. */
const UNREAD = 12;
/** One turn reads no further, and says so; what is newer makes the next one. */
export const TOGETHER_MAX = 1000;
const PAGE = 100;

/** What of the hub is used here. */
export type Log = Pick<HubClient, "ask" | "bot">;
export type Member = { bot: string; isPerson: boolean };
type Ahead = { through: number; outcomes: Map<string, Outcome> };

export class Rooms {
  readonly #client: Log;
  readonly #file: JsonFile;
  /** Up to where the agent has seen a room. */
  readonly #shown = new Map<string, number>();
  /** What was read out of the log before the hub delivered it, and what came of it. */
  readonly #ahead = new Map<string, Ahead>();

  constructor(client: Log, file: JsonFile = memoryFile()) {
    this.#client = client;
    this.#file = file;
    const found = file.read();
    for (const [room, seq] of Object.entries(isRecord(found) ? found : {})) if (typeof seq === "number") this.#shown.set(room, seq);
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

  /** The first entry of a room that was ever delivered here: what is older is none of the agent's business. */
  began(entry: Entry): void {
    if (!this.#shown.has(entry.room)) this.#see(entry.room, entry.seq - 1);
  }

  /** What was said before an entry and not shown yet, and how much of that is too much to show. */
  async unread(entry: Entry): Promise<{ entries: Entry[]; hidden: number }> {
    const shown = this.#shown.get(entry.room);
    if (shown === undefined || shown >= entry.seq - 1) return { entries: [], hidden: 0 };
    const page = await this.#history(entry.room, { before: entry.seq, limit: UNREAD });
    const fresh = page.filter((it) => it.seq > shown);
    const entries = fresh.filter((it) => it.from !== this.#client.bot && it.reply_to !== entry.id);
    return { entries, hidden: Math.max(0, (fresh[0]?.seq ?? entry.seq) - 1 - shown) };
  }

  saw(entry: Entry): void {
    this.#see(entry.room, Math.max(entry.seq, this.#shown.get(entry.room) ?? 0));
  }

  /** What came after an entry, up to a bound; `more` says whether anything lies beyond. */
  async waitingAfter(entry: Entry, have: number): Promise<{ entries: Entry[]; more: boolean }> {
    const entries: Entry[] = [];
    for (;;) {
      const page = await this.#history(entry.room, { after: entries.at(-1)?.seq ?? entry.seq, limit: PAGE });
      if (page.length === 0) return { entries, more: false };
      entries.push(...page);
      const free = TOGETHER_MAX - have;
      if (entries.length > free) return { entries: entries.slice(0, free), more: true };
    }
  }

  /** These were read before they were delivered; with their delivery comes the end that they had. */
  readAhead(room: string, outcomes: Map<string, Outcome>, through: number): void {
    const known = this.#ahead.get(room)?.outcomes ?? new Map<string, Outcome>();
    this.#ahead.set(room, { through, outcomes: new Map([...known, ...outcomes]) });
  }

  /** What came of an entry that was read ahead. */
  aheadOf(entry: EntryRef & { seq: number }): Outcome | undefined {
    const ahead = this.#ahead.get(entry.room);
    if (ahead === undefined) return undefined;
    if (entry.seq > ahead.through) this.#ahead.delete(entry.room);
    return ahead.outcomes.get(entryKey(entry));
  }

  /** Who belongs to a room, this bot included. */
  async members(room: string): Promise<Member[]> {
    const { bots } = await this.#client.ask({ type: "who", room });
    const found = bots.map((it) => ({ bot: String(it.bot), isPerson: Reflect.get(it, "kind") === "person" }));
    const me = this.#client.bot;
    return me === undefined || found.some((it) => it.bot === me) ? found : [...found, { bot: me, isPerson: false }];
  }

  #see(room: string, seq: number): void {
    if (this.#shown.get(room) === seq) return;
    this.#shown.set(room, seq);
    this.#file.keep(Object.fromEntries(this.#shown));
  }

  async #history(room: string, range: { before?: number; after?: number; limit: number }): Promise<Entry[]> {
    const page = await this.#client.ask({ type: "history", room, ...range });
    const heardAt = Date.now();
    return page.entries.filter(isEntry).map((it) => ({ ...it, heardAt }));
  }
}

function isEntry(entry: Delivery): entry is Entry {
  return entry.id !== undefined && entry.seq !== undefined;
}
