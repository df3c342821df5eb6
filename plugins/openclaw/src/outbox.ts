// Messages that the hub has not acknowledged yet.
//
// Owns their ids and their copy on disk. A message is sent again, with the same id, until the hub
// says that it is stored or that it refuses it; being stored twice is prevented by the id.

import type { Ack, ErrorFrame, Message } from "./frames.ts";
import { HubAway } from "./errors.ts";
import { isRecord, type JsonFile } from "./file.ts";

/** What is said, with its id. */
export type Draft = Message & { id: string };

/** With so many unacknowledged messages the hub has been away for long; more are refused. */
const MESSAGES_MAX = 1000;

type Waiting = { draft: Draft; settled: Array<(outcome: Outcome) => void> };
export type Outcome = { kind: "stored"; ack: Ack } | { kind: "refused"; error: ErrorFrame };

export class Outbox {
  readonly #waiting = new Map<string, Waiting>();
  readonly #file: JsonFile;

  constructor(file: JsonFile) {
    this.#file = file;
    const found = file.read();
    for (const draft of Array.isArray(found) ? found : []) {
      if (isDraft(draft)) this.#waiting.set(draft.id, { draft, settled: [] });
    }
  }

  /** Takes responsibility for a message. Settles when the hub has decided about it. */
  add(draft: Draft): Promise<Outcome> {
    if (this.#waiting.size >= MESSAGES_MAX) {
      return Promise.reject(new HubAway(`${MESSAGES_MAX} messages wait for the hub already`));
    }
    return new Promise((resolve) => {
      const known = this.#waiting.get(draft.id);
      if (known !== undefined) {
        known.settled.push(resolve);
        return;
      }
      this.#waiting.set(draft.id, { draft, settled: [resolve] });
      this.#save();
    });
  }

  /** The message that is stored, if it was waiting. */
  acknowledge(ack: Ack): Draft | undefined {
    return ack.id === undefined ? undefined : this.#settle(ack.id, { kind: "stored", ack });
  }

  /** An error whose `ref` is a message's id. One that says `later` keeps the message here. */
  refuse(error: ErrorFrame): "refused" | "later" | "unknown" {
    const id = error.ref;
    if (id === undefined || !this.#waiting.has(id)) return "unknown";
    if (error.retry === "later") return "later";
    this.#settle(id, { kind: "refused", error });
    return "refused";
  }

  /** Everything to send after a connection was made, in the order in which it was said. */
  drafts(): Draft[] {
    return [...this.#waiting.values()].map((it) => it.draft);
  }

  get size(): number {
    return this.#waiting.size;
  }

  #settle(id: string, outcome: Outcome): Draft | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(id);
    this.#save();
    for (const settled of waiting.settled) settled(outcome);
    return waiting.draft;
  }

  #save(): void {
    this.#file.write(this.drafts());
  }
}

function isDraft(value: unknown): value is Draft {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["text"] === "string";
}
