// What this account says and the hub has not acknowledged yet.
//
// Owns their ids, their order and their copy on disk. One message is under way at a time: so nothing
// overtakes, and a refusal that names no id still belongs to exactly one message. It is sent again,
// with the same id, until the hub says that it is stored or that it refuses it.

import type { Ack, ErrorFrame, Limits, Message } from "./frames.ts";
import { HubAway, isForNow } from "./refusal.ts";
import { isRecord, type JsonFile } from "./file.ts";
import { named } from "./names.ts";
import { unsendable } from "./sendable.ts";

/** What is said, with its id. */
export type Draft = Message & { id: string };

/** With so many unacknowledged messages the hub has been away for long; more are refused. */
const MESSAGES_MAX = 1000;

type Waiting = { draft: Draft; settled: Array<(outcome: Outcome) => void>; notBefore: number };
export type Outcome = { kind: "stored"; ack: Ack } | { kind: "refused"; error: ErrorFrame };
/** What a refusal was about, and when the message may be tried again. */
export type Refusal = { kind: "refused" } | { kind: "later" } | { kind: "unknown" };

export class Outbox {
  readonly #waiting = new Map<string, Waiting>();
  readonly #file: JsonFile;
  #underWay: Waiting | undefined;

  constructor(file: JsonFile) {
    this.#file = file;
    const found = file.read();
    // An earlier version kept names as it was given them.
    for (const draft of (Array.isArray(found) ? found : []).filter(isDraft).map(named)) {
      this.#waiting.set(keyOf(draft), { draft, settled: [], notBefore: 0 });
    }
  }

  /** Takes responsibility for messages that belong together. Each settles when the hub has decided about it. */
  add(drafts: readonly Draft[], limits?: Limits): Promise<Outcome>[] {
    const problem = drafts.map((it) => unsendable(it, limits)).find((it) => it !== undefined);
    if (problem !== undefined) return drafts.map(() => Promise.resolve({ kind: "refused", error: problem }));
    if (this.#waiting.size + drafts.length > MESSAGES_MAX) {
      return drafts.map(() => Promise.reject(new HubAway(`${this.#waiting.size} messages wait for the hub already`)));
    }
    const known = new Set(this.#waiting.keys());
    const outcomes = drafts.map((draft) => this.#wait(draft));
    try {
      this.#file.write(this.drafts());
    } catch (error) {
      // A message that is not on the disk is not promised to be sent.
      for (const draft of drafts) if (!known.has(keyOf(draft))) this.#waiting.delete(keyOf(draft));
      return drafts.map(() => Promise.reject(error));
    }
    return outcomes;
  }

  /**
   * The message to send now, if none is under way. What was put off waits, and all to the same place behind it; so do
   * messages to rooms that the bot is still joining.
   */
  next(now = Date.now(), joining: Iterable<string> = []): Draft | undefined {
    if (this.#underWay !== undefined) return undefined;
    const held = new Set<string>(joining);
    for (const waiting of this.#waiting.values()) {
      const place = placeOf(waiting.draft);
      if (waiting.notBefore <= now && !held.has(place)) {
        this.#underWay = waiting;
        return waiting.draft;
      }
      held.add(place);
    }
    return undefined;
  }

  /** The connection ended, or could not take it: nothing is under way. */
  restart(): void {
    this.#underWay = undefined;
  }

  /** What an earlier version or other limits left here and can never be sent. */
  expel(limits: Limits | undefined): Array<{ draft: Draft; error: ErrorFrame }> {
    const expelled = this.drafts().flatMap((draft) => {
      const error = unsendable(draft, limits);
      return error === undefined ? [] : [{ draft, error }];
    });
    for (const { draft, error } of expelled) this.#settle(draft, { kind: "refused", error });
    return expelled;
  }

  /** The message that is stored, if it was waiting. */
  acknowledge(ack: Ack): Draft | undefined {
    const found = this.drafts().find((it) => it.id === ack.id && isInto(ack.room, it));
    return found === undefined ? undefined : this.#settle(found, { kind: "stored", ack });
  }

  /** A refusal of the message under way. One that is for now keeps it here. */
  refuse(error: ErrorFrame, waitMs: number, now = Date.now()): Refusal {
    const waiting = this.#underWay;
    if (waiting === undefined || !isAbout(error, waiting.draft)) return { kind: "unknown" };
    if (isForNow(error)) {
      waiting.notBefore = now + waitMs;
      this.#underWay = undefined;
      return { kind: "later" };
    }
    this.#settle(waiting.draft, { kind: "refused", error });
    return { kind: "refused" };
  }

  /** Everything that waits, in the order in which it was said. */
  drafts(): Draft[] {
    return [...this.#waiting.values()].map((it) => it.draft);
  }

  get size(): number {
    return this.#waiting.size;
  }

  #wait(draft: Draft): Promise<Outcome> {
    return new Promise((resolve) => {
      const known = this.#waiting.get(keyOf(draft));
      if (known !== undefined) known.settled.push(resolve);
      else this.#waiting.set(keyOf(draft), { draft, settled: [resolve], notBefore: 0 });
    });
  }

  #settle(draft: Draft, outcome: Outcome): Draft | undefined {
    const waiting = this.#waiting.get(keyOf(draft));
    if (waiting === undefined) return undefined;
    this.#waiting.delete(keyOf(draft));
    if (this.#underWay === waiting) this.#underWay = undefined;
    this.#save();
    for (const settled of waiting.settled) settled(outcome);
    return waiting.draft;
  }

  #save(): void {
    this.#file.keep(this.drafts());
  }
}

const placeOf = (draft: Draft) => draft.room ?? `@${draft.to}`;
const keyOf = (draft: Draft) => `${placeOf(draft)}/${draft.id}`;

/** Whether a draft goes into a room. A direct conversation is named after both who speak in it. */
function isInto(room: string, { room: own, to }: Draft): boolean {
  if (own !== undefined) return own === room;
  return to !== undefined && room.startsWith("dm:") && room.slice(3).split(":").includes(to);
}

/** A frame that could not be read is refused under its type, or without any name. */
function isAbout(error: ErrorFrame, draft: Draft): boolean {
  if (error.ref === draft.id || error.ref === "message") return true;
  return error.ref === undefined && UNREADABLE.has(error.name);
}

const UNREADABLE: ReadonlySet<string> = new Set(["bad_json", "bad_frame", "too_large", "too_deep"]);

function isDraft(value: unknown): value is Draft {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["text"] === "string";
}
