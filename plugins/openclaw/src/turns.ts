// What became of each entry that this account took.
//
// Owns the ladder of receipts on our side, on disk: after a crash OpenClaw goes on with a turn that
// it had adopted, and its answer has to find the message that it belongs to. Never talks to OpenClaw.

import { isRecord, type JsonFile } from "./file.ts";
import type { Report } from "./reports.ts";

export type Turn = {
  id: string;
  room: string;
  from: string;
  seq: number;
  openedAt: number;
  state: "received" | "started";
  /** The newest answer. */
  reply?: string;
  /** It was open when the gateway stopped; OpenClaw may still go on with it. */
  interrupted?: true;
};

export type Outcome =
  | { state: "answered"; reply: string; reason?: string }
  | { state: "done" | "declined" | "failed"; reason?: string };

/** So many ended entries are remembered: the hub may deliver one again after a crash of its own. */
const ENDED_MAX = 500;
/** An interrupted turn that OpenClaw did not take up again by then is given up. */
export const INTERRUPTED_MS = 10 * 60_000;

export class Turns {
  readonly #open = new Map<string, Turn>();
  readonly #ended = new Map<string, Report>();
  readonly #unproven = new Set<string>();
  readonly #file: JsonFile;
  readonly #report: (report: Report) => void;

  constructor(file: JsonFile, report: (report: Report) => void) {
    this.#file = file;
    this.#report = report;
    const found = file.read();
    if (!isRecord(found)) return;
    for (const turn of list(found["open"]).filter(isTurn)) this.#open.set(turn.id, { ...turn, interrupted: true });
    for (const report of list(found["ended"]).filter(isReport)) this.#ended.set(report.id, report);
    for (const id of list(found["unproven"])) if (typeof id === "string") this.#unproven.add(id);
  }

  /** Says again what a crash may have kept from the hub. */
  repeat(): void {
    for (const turn of this.#open.values()) this.#report({ room: turn.room, id: turn.id, state: turn.state });
    for (const id of this.#unproven) {
      const report = this.#ended.get(id);
      if (report !== undefined) this.#report(report);
    }
  }

  /** Whether an entry was dealt with before; if so, the hub is told again. */
  isKnown(id: string): boolean {
    const ended = this.#ended.get(id);
    const open = this.#open.get(id);
    if (ended !== undefined) this.#report(ended);
    else if (open !== undefined) this.#report({ room: open.room, id, state: open.state });
    return ended !== undefined || open !== undefined;
  }

  /** OpenClaw took responsibility. */
  receive(entry: { id: string; room: string; from: string; seq: number }, now = Date.now()): void {
    const { id, room, from, seq } = entry;
    if (this.#open.has(id) || this.#ended.has(id)) return;
    this.#open.set(id, { id, room, from, seq, openedAt: now, state: "received" });
    this.#save();
    this.#report({ room, id, state: "received" });
  }

  start(id: string): void {
    const turn = this.#open.get(id);
    if (turn === undefined || turn.state === "started") return;
    turn.state = "started";
    this.#save();
    this.#report({ room: turn.room, id, state: "started" });
  }

  /** An answer is on its way. The turn of an interrupted one ends with it. */
  reply(id: string, reply: string): void {
    const turn = this.#open.get(id);
    if (turn === undefined) return;
    turn.reply = reply;
    if (turn.interrupted) this.end(turn, { state: "answered", reply });
    else this.#save();
  }

  /** The end, also of an entry that no turn was opened for. What was answered stays answered. */
  end(entry: { id: string; room: string }, outcome: Outcome): void {
    const { id, room } = entry;
    if (this.#ended.has(id)) return;
    const reply = this.#open.get(id)?.reply;
    const report: Report = reply === undefined ? { room, id, ...outcome } : { room, id, state: "answered", reply };
    this.#open.delete(id);
    this.#ended.set(id, report);
    this.#unproven.add(id);
    for (const old of this.#ended.keys()) {
      if (this.#ended.size <= ENDED_MAX) break;
      this.#ended.delete(old);
    }
    this.#save();
    this.#report(report);
  }

  /** The hub certainly has these. */
  proven(reports: Report[]): void {
    const before = this.#unproven.size;
    for (const report of reports) {
      if (report.state === this.#ended.get(report.id)?.state) this.#unproven.delete(report.id);
    }
    if (this.#unproven.size !== before) this.#save();
  }

  /** What an ended entry was answered with. */
  answerOf(id: string): string | undefined {
    return this.#ended.get(id)?.reply ?? this.#open.get(id)?.reply;
  }

  find(id: string): Turn | undefined {
    return this.#open.get(id);
  }

  /** The oldest interrupted turn of a room: what an answer without a reference belongs to. */
  interruptedIn(room: string): Turn | undefined {
    return [...this.#open.values()].find((turn) => turn.room === room && turn.interrupted);
  }

  /** Gives up interrupted turns that nobody took up again. */
  giveUp(now = Date.now()): void {
    for (const turn of [...this.#open.values()]) {
      if (turn.interrupted && now - turn.openedAt > INTERRUPTED_MS) {
        this.end(turn, { state: "failed", reason: "the gateway was restarted in the middle of the turn" });
      }
    }
  }

  get open(): readonly Turn[] {
    return [...this.#open.values()];
  }

  #save(): void {
    this.#file.write({ open: [...this.#open.values()], ended: [...this.#ended.values()], unproven: [...this.#unproven] });
  }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function isTurn(value: unknown): value is Turn {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["room"] === "string";
}

function isReport(value: unknown): value is Report {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["state"] === "string";
}
