// What became of each entry that this account took.
//
// Owns the ladder of receipts on our side, on disk: after a crash OpenClaw goes on with a turn that
// it had adopted, and its answer has to find the messages that it belongs to. Never talks to OpenClaw.

import { isRecord, type JsonFile, type Report } from "../client/index.js";
import { entryKey, type EntryRef } from "./entry-key.ts";

export type Turn = EntryRef & {
  seq: number;
  openedAt: number;
  state: "received" | "started";
  /** The newest answer. */
  reply?: string;
  /** It was open when the gateway stopped; OpenClaw may still go on with it. */
  interrupted?: true;
  /** The entry whose turn this one was read in. */
  readWith?: string;
};
type OldReport = Omit<Report, "from">;
export type Taken = EntryRef & { seq: number };

export type Outcome =
  | { state: "answered"; reply: string; reason?: string }
  | { state: "done" | "declined" | "failed"; reason?: string };

/** So many ended entries are remembered: the hub may deliver one again after a crash of its own. */
const ENDED_MAX = 2000;
/** An interrupted turn that OpenClaw did not take up again so long after the start is given up. */
export const INTERRUPTED_MS = 10 * 60_000;
const READ_WITH = "read in one turn with others";

export class Turns {
  readonly #open = new Map<string, Turn>();
  readonly #ended = new Map<string, Report>();
  readonly #unproven = new Set<string>();
  /** The ends that an older version wrote down, which knew no senders. */
  readonly #old = new Map<string, OldReport>();
  /** Read out of the log before the hub handed them over: it takes no receipts for those yet. */
  readonly #undelivered = new Set<string>();
  readonly #file: JsonFile;
  readonly #report: (report: Report) => void;
  /** Since when OpenClaw may go on with interrupted turns; by a clock that nobody sets. */
  readonly #began: number;
  /** Reports held back until the changes that are being made together are written. */
  #gathered: Report[] | undefined;

  constructor(file: JsonFile, report: (report: Report) => void, began = performance.now()) {
    this.#file = file;
    this.#report = report;
    this.#began = began;
    const found = file.read();
    if (!isRecord(found)) return;
    for (const turn of list(found["open"]).filter(isTurn)) this.#open.set(entryKey(turn), { ...turn, interrupted: true });
    for (const ended of list(found["ended"]).filter(isReport)) this.#ended.set(entryKey(ended), ended);
    for (const old of list(found["ended"]).filter(isOldReport)) this.#old.set(`${old.room}/${old.id}`, old);
    for (const key of list(found["unproven"])) if (typeof key === "string") this.#unproven.add(key);
  }

  /** Says again what a crash may have kept from the hub. */
  repeat(): void {
    for (const turn of this.#open.values()) this.#say(turn, { state: turn.state });
    for (const key of this.#unproven) {
      const report = this.#ended.get(key);
      if (report !== undefined) this.#send(report);
    }
    for (const old of this.#old.values()) if (this.#unproven.delete(old.id)) this.#report(old as Report);
  }

  /** Many changes with one write: a flood must not rewrite the file once per message. */
  together(change: () => void): void {
    if (this.#gathered !== undefined) return change();
    const gathered: Report[] = (this.#gathered = []);
    try {
      change();
    } finally {
      this.#gathered = undefined;
      this.#save();
      for (const report of gathered) this.#report(report);
    }
  }

  /** Whether an entry was dealt with before; if so, the hub is told again. */
  isKnown(entry: EntryRef): boolean {
    const key = entryKey(entry);
    this.#undelivered.delete(key);
    const old = this.#old.get(`${entry.room}/${entry.id}`);
    if (old !== undefined) this.#ended.set(key, { ...old, from: entry.from });
    const ended = this.#ended.get(key);
    const open = this.#open.get(key);
    if (ended !== undefined) this.#send(ended);
    else if (open !== undefined) this.#say(open, { state: open.state });
    return ended !== undefined || open !== undefined;
  }

  /** An entry that is read before its delivery; with that, all is said that happened until then. */
  ahead(entry: EntryRef): void {
    this.#undelivered.add(entryKey(entry));
  }

  /** Throws if what will become of a turn could not be written down. */
  mustBeWritable(): void {
    this.#file.write(this.#value());
  }

  /** OpenClaw took responsibility for entries that it reads in one turn, which is known by one of them. */
  receive(entries: readonly Taken[], known: Taken | undefined = entries.at(-1), now = Date.now()): void {
    const fresh = entries.filter((it) => !this.#open.has(entryKey(it)) && !this.#ended.has(entryKey(it)));
    if (known === undefined || fresh.length === 0) return;
    for (const entry of fresh) {
      const { id, room, from, seq } = entry;
      const readWith = entry === known ? {} : { readWith: entryKey(known) };
      this.#open.set(entryKey(entry), { id, room, from, seq, openedAt: now, state: "received", ...readWith });
    }
    try {
      this.#file.write(this.#value());
    } catch (error) {
      // An entry that is not on the disk was not received: the hub still has it.
      for (const entry of fresh) this.#open.delete(entryKey(entry));
      throw error;
    }
    for (const entry of fresh) this.#say(entry, { state: "received" });
  }

  /** The model is at work on the turn of an entry. */
  start(key: string): void {
    const begun = this.#inTurnOf(key).filter((it) => it.state !== "started");
    if (begun.length === 0) return;
    for (const turn of begun) turn.state = "started";
    this.#save();
    for (const turn of begun) this.#say(turn, { state: "started" });
  }

  /** An answer is on its way. The turn of an interrupted one ends with it. */
  reply(key: string, reply: string): void {
    const turn = this.#open.get(key);
    if (turn === undefined) return;
    turn.reply = reply;
    if (!turn.interrupted) return this.#save();
    this.together(() => {
      for (const one of this.#inTurnOf(key)) {
        this.end(one, one === turn ? { state: "answered", reply } : { state: "answered", reply, reason: READ_WITH });
      }
    });
  }

  /** The end, also of an entry that no turn was opened for. What was answered stays answered. */
  end(entry: EntryRef & { seq?: number }, outcome: Outcome): void {
    const key = entryKey(entry);
    if (this.#ended.has(key)) return;
    const { id, room, from } = entry;
    const seq = entry.seq === undefined ? {} : { seq: entry.seq };
    const reply = this.#open.get(key)?.reply;
    const end: Outcome = reply === undefined || outcome.state === "answered" ? outcome : { state: "answered", reply };
    const report: Report = { room, from, id, ...seq, ...end };
    this.#open.delete(key);
    this.#ended.set(key, report);
    this.#unproven.add(key);
    for (const old of this.#ended.keys()) {
      if (this.#ended.size <= ENDED_MAX) break;
      this.#ended.delete(old);
    }
    this.#save();
    this.#send(report);
  }

  /** The hub certainly has these. */
  proven(reports: readonly Report[]): void {
    const before = this.#unproven.size;
    for (const report of reports) {
      const key = entryKey(report);
      if (report.state === this.#ended.get(key)?.state) this.#unproven.delete(key);
    }
    if (this.#unproven.size !== before) this.#save();
  }

  /** What an ended entry was answered with. */
  answerOf(key: string): string | undefined {
    return this.#ended.get(key)?.reply ?? this.#open.get(key)?.reply;
  }

  find(key: string): Turn | undefined {
    return this.#open.get(key);
  }

  /** The open turn of a room whose entry has this id, where only the id is known. */
  keyOf(room: string, id: string): string | undefined {
    const found = [...this.#open.values()].find((it) => it.room === room && it.id === id);
    return found === undefined ? undefined : entryKey(found);
  }

  /** What is read in the same turn as an entry. */
  readWith(key: string): string[] {
    return this.#inTurnOf(key).map((it) => entryKey(it)).filter((it) => it !== key);
  }

  /** The oldest interrupted turn of a room: what its session says next belongs to it. */
  interruptedIn(room: string): Turn | undefined {
    return [...this.#open.values()].find((it) => it.room === room && it.interrupted && it.readWith === undefined);
  }

  /** Gives up interrupted turns that nobody took up again. Returns them. */
  giveUp(now = performance.now()): Turn[] {
    if (now - this.#began <= INTERRUPTED_MS) return [];
    const given = [...this.#open.values()].filter((it) => it.interrupted);
    for (const turn of given) this.end(turn, { state: "failed", reason: "the gateway was restarted in the middle of the turn" });
    return given;
  }

  get open(): readonly Turn[] {
    return [...this.#open.values()];
  }

  #inTurnOf(key: string): Turn[] {
    return [...this.#open.values()].filter((it) => entryKey(it) === key || it.readWith === key);
  }

  #say({ room, from, id, seq }: EntryRef & { seq?: number }, what: Pick<Report, "state">): void {
    this.#send({ room, from, id, ...(seq === undefined ? {} : { seq }), ...what });
  }

  #send(report: Report): void {
    if (this.#undelivered.has(entryKey(report))) return;
    if (this.#gathered === undefined) this.#report(report);
    else this.#gathered.push(report);
  }

  #save(): void {
    if (this.#gathered === undefined) this.#file.keep(this.#value());
  }

  #value() {
    return { open: [...this.#open.values()], ended: [...this.#ended.values()], unproven: [...this.#unproven] };
  }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function isTurn(value: unknown): value is Turn {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["room"] === "string" && typeof value["from"] === "string";
}

function isOldReport(value: unknown): value is OldReport {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["room"] === "string" && value["from"] === undefined;
}

function isReport(value: unknown): value is Report {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["from"] === "string" && typeof value["state"] === "string";
}
