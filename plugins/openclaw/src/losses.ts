// Messages that will never arrive, in either direction, until the agent was told of them.
//
// Owns one sentence per run of lost messages, on disk, because the hub reports a run once. Never asks for anything.

import { type Gap, isRecord, type JsonFile, type RangeReceipt, type ReceiptNotice } from "../client/index.js";
import { theirsInline } from "./theirs.ts";

/** So many runs of a room get a sentence; further ones are counted. */
const RUNS_MAX = 12;
const NAMED_MAX = 8;

type Told = { sentences: readonly string[]; beyond: number };
const NOTHING: Told = { sentences: [], beyond: 0 };

export class Losses {
  readonly #rooms = new Map<string, Told>();
  readonly #file: JsonFile;

  constructor(file: JsonFile) {
    this.#file = file;
    const found = file.read();
    for (const [room, told] of Object.entries(isRecord(found) ? found : {})) if (isTold(told)) this.#rooms.set(room, told);
  }

  /** A run of others' messages that this bot will never get. Returns the sentence about it. */
  missed(gap: Gap): string {
    return this.#add(gap.room, missedSentence(gap));
  }

  /** A run of own messages that somebody will never get. Returns the sentence, or nothing if it is no loss. */
  undelivered(receipt: RangeReceipt | ReceiptNotice): string | undefined {
    if (!LOST.has(receipt.state)) return undefined;
    return this.#add(receipt.room, "from_seq" in receipt ? runSentence(receipt) : oneSentence(receipt));
  }

  /** What the agent has to be told in a room, and what to call once it was told. */
  of(room: string): { sentences: readonly string[]; told: () => void } {
    const { sentences, beyond } = this.#rooms.get(room) ?? NOTHING;
    const rest = beyond === 0 ? [] : [`and ${beyond} more such losses, which are in the gateway's log`];
    return { sentences: [...sentences, ...rest], told: () => this.#forget(room, sentences.length, beyond) };
  }

  /** Losses that came while the agent was told of these are left for the next turn. */
  #forget(room: string, first: number, counted: number): void {
    const known = this.#rooms.get(room);
    if (known === undefined) return;
    const left = { sentences: known.sentences.slice(first), beyond: known.beyond - counted };
    if (left.sentences.length + left.beyond === 0) this.#rooms.delete(room);
    else this.#rooms.set(room, left);
    this.#save();
  }

  #add(room: string, sentence: string): string {
    const { sentences, beyond } = this.#rooms.get(room) ?? NOTHING;
    const told = sentences.length < RUNS_MAX ? { sentences: [...sentences, sentence], beyond } : { sentences, beyond: beyond + 1 };
    this.#rooms.set(room, told);
    this.#save();
    return sentence;
  }

  #save(): void {
    this.#file.keep(Object.fromEntries(this.#rooms));
  }
}

/** The states of a message that its recipient never had. */
const LOST: ReadonlySet<string> = new Set(["expired", "dropped", "dead"]);

/** Why, and whether the words can still be read. */
const REASONS: Partial<Record<string, string>> = {
  buffer_limit: "too much waited for this bot; bot_hub_history may still have them",
  expired: "they came too late; bot_hub_history may still have them",
  dead: "they were handed over ten times in vain; bot_hub_history may still have them",
  retention: "the room does not keep them any more",
  corrupt: "the hub's log of them is damaged",
  skipped: "an operator skipped them when a pause ended; bot_hub_history may still have them",
};

function missedSentence({ room, from_seq: from, to_seq: to, lost, reason }: Gap): string {
  if (reason === "epoch") return `the hub's log of the room ${room} began anew: what was said there before may be gone`;
  const why = REASONS[reason] ?? theirsInline(reason);
  return `${count(lost, "message")} of the room ${room}, ${numbers(from, to)}, never reached this agent: ${why}`;
}

function runSentence({ room, from_seq: from, to_seq: to, count: many, bots, recipients, state, reason }: RangeReceipt): string {
  const named = bots.slice(0, NAMED_MAX).join(", ");
  const others = recipients - Math.min(bots.length, NAMED_MAX);
  const who = others > 0 ? `${named === "" ? "" : `${named} and `}${others} more` : named;
  return `${count(many, "message")} of this agent in the room ${room}, ${numbers(from, to)}, never reached ${who}: ${state}${because(reason)}`;
}

function oneSentence({ room, id, bot, others = 0, state, reason }: ReceiptNotice): string {
  const who = others > 0 ? `${bot} and ${others} more` : bot;
  return `the message ${theirsInline(id)} of this agent in the room ${room} never reached ${who}: ${state}${because(reason)}`;
}

const because = (reason: string | undefined) => (reason === undefined ? "" : `, with the reason ${theirsInline(reason)}`);
const count = (many: number, what: string) => `${many} ${what}${many === 1 ? "" : "s"}`;
const numbers = (from: number, to: number) => (from === to ? `number ${from}` : `numbers ${from} to ${to}`);

function isTold(value: unknown): value is Told {
  return isRecord(value) && Array.isArray(value["sentences"]) && value["sentences"].every((it) => typeof it === "string") && typeof value["beyond"] === "number";
}
