// Requests between bots that are not answered yet, in both directions.
//
// Owns which answer belongs to which request. On disk, because an answer may come after a restart,
// minutes later, or by another way than the turn that the request began.

import { isRecord, type JsonFile } from "../client/index.js";
import type { Depth } from "./blocks.ts";
import { entryKey, type EntryRef } from "./entry-key.ts";

/** Somebody asked us. */
export type Incoming = {
  requestId: string;
  /** The key of the entry that carried it. */
  entry: string;
  room: string;
  /** Who gets the answer. */
  replyTo: string;
  task: string;
  depth: Depth;
  at: number;
  /** We asked back, and wait for the answer to that. */
  clarifying?: true;
};

/** We asked somebody. */
export type Outgoing = {
  requestId: string;
  to: string;
  room: string;
  task: string;
  depth: Depth;
  at: number;
  /** The bots that the request was handed on to, each by the one before it. */
  handedTo?: string[];
};

/** What came while somebody waited. */
export type Answer = { parts: string[]; isWhole: boolean };

/** A request that nobody answered for so long is forgotten. */
const FORGOTTEN_MS = 24 * 60 * 60_000;
/** So many bots are remembered that a request was handed on to: the format allows fewer. */
const HANDED_MAX = 16;

export class Requests {
  #incoming: Incoming[] = [];
  #outgoing: Outgoing[] = [];
  readonly #passedOn = new Set<string>();
  readonly #waiters = new Map<string, { answer: Answer; end: () => void }>();
  readonly #file: JsonFile;

  constructor(file: JsonFile, now = Date.now()) {
    this.#file = file;
    const found = file.read();
    if (!isRecord(found)) return;
    const fresh = (it: unknown) => isRecord(it) && typeof it["requestId"] === "string" && now - Number(it["at"]) < FORGOTTEN_MS;
    const list = (value: unknown): unknown[] => (Array.isArray(value) ? value.filter(fresh) : []);
    this.#incoming = list(found["incoming"]) as Incoming[];
    this.#outgoing = list(found["outgoing"]) as Outgoing[];
  }

  /** Older versions named an entry by its id alone: entries whose turn is still open get their key. */
  adopt(open: readonly EntryRef[]): void {
    for (const request of this.#incoming) {
      const entry = open.find((it) => it.room === request.room && it.id === request.entry);
      if (entry !== undefined) request.entry = entryKey(entry);
    }
  }

  /** Throws where the disk is full: a request that could not be written down is not owed an answer. */
  asked(...requests: Incoming[]): void {
    if (requests.length === 0) return;
    const incoming = [...this.#incoming.filter((it) => !requests.some((one) => isSame(it, one))), ...requests];
    this.#file.write({ incoming, outgoing: this.#outgoing });
    this.#incoming = incoming;
  }

  /** The request that an entry carried, as long as an answer to it is awaited from us. */
  byEntry(entry: string): Incoming | undefined {
    return this.#incoming.find((it) => it.entry === entry && !it.clarifying);
  }

  /** Whether the turn of an entry asked back or handed over: its own last words are for nobody. */
  isPassedOn(entry: string): boolean {
    return this.#passedOn.has(entry);
  }

  clarify(request: Incoming): void {
    request.clarifying = true;
    this.#passedOn.add(request.entry);
    this.#save();
  }

  /** The answer to our question came with another entry, which the request now belongs to. */
  clarified(requestId: string, answer: { id: string; from: string }, depth: Depth): Incoming | undefined {
    const found = this.#incoming.find((it) => it.clarifying && it.requestId === requestId && it.replyTo === answer.from);
    if (found === undefined) return undefined;
    delete found.clarifying;
    Object.assign(found, { entry: answer.id, depth });
    this.#save();
    return found;
  }

  handOver(request: Incoming): void {
    this.#passedOn.add(request.entry);
    this.settled(request);
  }

  settled(request: Incoming): void {
    this.#incoming = this.#incoming.filter((it) => !isSame(it, request));
    this.#save();
  }

  /** Nothing that an entry asked is answered any more. */
  forget(entry: string): void {
    this.#incoming = this.#incoming.filter((it) => it.entry !== entry);
    this.#save();
  }

  ask(request: Outgoing): void {
    // An agent that asks and never looks back must not fill the disk.
    this.#outgoing = [...this.#outgoing.filter((it) => request.at - it.at < FORGOTTEN_MS), request];
    this.#save();
  }

  /** Whether this bot may answer a request of ours: we asked it, or a bot that may answer handed the request on to it. */
  mayAnswer(requestId: string, room: string, bot: string): boolean {
    const found = this.outgoing(requestId);
    return found?.room === room && (found.to === bot || found.handedTo?.includes(bot) === true);
  }

  /** A bot that may answer handed the request on. */
  handedOn(requestId: string, room: string, by: string, to: string): void {
    const found = this.outgoing(requestId);
    if (found === undefined || !this.mayAnswer(requestId, room, by) || this.mayAnswer(requestId, room, to)) return;
    found.handedTo = [...(found.handedTo ?? []), to].slice(-HANDED_MAX);
    this.#save();
  }

  /** No answer is awaited any more: it came, or what we asked could not be said. */
  withdraw(requestId: string): void {
    this.#outgoing = this.#outgoing.filter((it) => it.requestId !== requestId);
    this.#save();
  }

  outgoing(requestId: string): Outgoing | undefined {
    return this.#outgoing.find((it) => it.requestId === requestId);
  }

  /** Resolves with the whole answer, or with what is there when the signal fires; that ends the wait, not the request. */
  wait(requestId: string, signal: AbortSignal): Promise<Answer> {
    const answer: Answer = { parts: [], isWhole: false };
    return new Promise((resolve) => {
      const end = () => {
        this.#waiters.delete(requestId);
        signal.removeEventListener("abort", end);
        resolve(answer);
      };
      if (signal.aborted) return resolve(answer);
      signal.addEventListener("abort", end, { once: true });
      this.#waiters.set(requestId, { answer, end });
    });
  }

  /** An answer came, or a part of one. Says whether somebody waits for it. */
  answered(requestId: string, text: string, isLast: boolean): boolean {
    if (isLast) this.withdraw(requestId);
    const waiter = this.#waiters.get(requestId);
    if (waiter === undefined) return false;
    waiter.answer.parts.push(text);
    waiter.answer.isWhole = isLast;
    if (isLast) waiter.end();
    return true;
  }

  get open(): { incoming: readonly Incoming[]; outgoing: readonly Outgoing[] } {
    return { incoming: this.#incoming, outgoing: this.#outgoing };
  }

  #save(): void {
    this.#file.keep({ incoming: this.#incoming, outgoing: this.#outgoing });
  }
}

/** One entry may ask several things. */
function isSame(a: Incoming, b: Incoming): boolean {
  return a.entry === b.entry && a.requestId === b.requestId;
}
