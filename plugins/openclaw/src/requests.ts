// Requests between bots that are not answered yet, in both directions.
//
// Owns which answer belongs to which request. On disk, because an answer may come after a restart,
// minutes later, or by another way than the turn that the request began.

import type { Depth } from "./blocks.ts";
import { isRecord, type JsonFile } from "./file.ts";

/** Somebody asked us. */
export type Incoming = {
  requestId: string;
  /** The entry that carried it. */
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

/** A request that nobody answered for so long is forgotten. */
const FORGOTTEN_MS = 24 * 60 * 60_000;

export class Requests {
  #incoming: Incoming[] = [];
  #outgoing: Outgoing[] = [];
  readonly #passedOn = new Set<string>();
  readonly #waiters = new Map<string, (answer: string) => void>();
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
    this.#incoming = [...this.#incoming.filter((it) => it.entry !== request.entry), request];
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
    this.#incoming = this.#incoming.filter((it) => it.entry !== request.entry);
    this.#save();
  }

  ask(request: Outgoing): void {
    this.#outgoing.push(request);
    this.#save();
  }

  /** What we asked could not be said. */
  withdraw(requestId: string): void {
    this.#outgoing = this.#outgoing.filter((it) => it.requestId !== requestId);
    this.#save();
  }

  outgoing(requestId: string): Outgoing | undefined {
    return this.#outgoing.find((it) => it.requestId === requestId);
  }

  /** Resolves with the answer's text; the signal ends the wait, not the request. */
  wait(requestId: string, signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const end = (answer?: string) => {
        this.#waiters.delete(requestId);
        signal.removeEventListener("abort", stop);
        resolve(answer);
      };
      const stop = () => end();
      if (signal.aborted) return resolve(undefined);
      signal.addEventListener("abort", stop, { once: true });
      this.#waiters.set(requestId, end);
    });
  }

  /** An answer came. Says whether somebody waited for it. */
  answered(requestId: string, answer: string): "waited" | "asked" | "unknown" {
    const known = this.outgoing(requestId) !== undefined;
    this.#outgoing = this.#outgoing.filter((it) => it.requestId !== requestId);
    this.#save();
    const waiter = this.#waiters.get(requestId);
    waiter?.(answer);
    return waiter !== undefined ? "waited" : known ? "asked" : "unknown";
  }

  get open(): { incoming: readonly Incoming[]; outgoing: readonly Outgoing[] } {
    return { incoming: this.#incoming, outgoing: this.#outgoing };
  }

  #save(): void {
    this.#file.write({ incoming: this.#incoming, outgoing: this.#outgoing });
  }
}
