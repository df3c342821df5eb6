// Requests between bots that are not answered yet, in both directions.
//
// Owns which answer belongs to which request. On disk, because an answer may come after a restart,
// minutes later, or by another way than the turn that the request began.

import type { Depth } from "./blocks.ts";
import { isRecord, type JsonFile } from "./file.ts";

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
export type Outgoing = { requestId: string; to: string; room: string; task: string; depth: Depth; at: number };

/** What came while somebody waited. */
export type Answer = { parts: string[]; isWhole: boolean };

/** A request that nobody answered for so long is forgotten. */
const FORGOTTEN_MS = 24 * 60 * 60_000;

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

  asked(request: Incoming): void {
    this.#incoming = [...this.#incoming.filter((it) => !isSame(it, request)), request];
    this.#save();
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
    this.#outgoing.push(request);
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
    this.#file.write({ incoming: this.#incoming, outgoing: this.#outgoing });
  }
}

/** One entry may ask several things. */
function isSame(a: Incoming, b: Incoming): boolean {
  return a.entry === b.entry && a.requestId === b.requestId;
}
