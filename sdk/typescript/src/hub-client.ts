// A bot's place at the hub: a connection that heals itself.
//
// Owns reconnecting, joining, sending until acknowledged. Which position it resumes from is left to
// the hub's cursors: they move by our receipts, and are as durable as the messages themselves.

import { Asks, type Answer, type Question } from "./asks.ts";
import { atMost, backoffMs, notBefore, pause } from "./backoff.ts";
import { Exile } from "./exile.ts";
import { memoryFile } from "./file.ts";
import type { Ack, AuthOk, ClientFrame, ErrorFrame, Limits, ServerFrame } from "./frames.ts";
import { openLink, type Ended, type Link } from "./link.ts";
import { asHub, named } from "./names.ts";
import type { HubEvents, HubOptions } from "./options.ts";
import { Outbox, type Draft } from "./outbox.ts";
import { inFull } from "./pages.ts";
import { HubRefusal, isForNow } from "./refusal.ts";
import { receiptOf, Reports, type Report } from "./reports.ts";
import { verdictOf } from "./verdict.ts";

/** A connection that held so long was a good one: the next attempt may come at once. */
const STEADY_MS = 30_000;
/** After so long without another program that wants the token, the quarrel is over. */
const UNDISPUTED_MS = 10 * 60_000;

export class HubClient {
  readonly rooms = new Map<string, Set<string>>();
  readonly #options: HubOptions;
  readonly #events: HubEvents;
  readonly #outbox: Outbox;
  readonly #asks: Asks;
  readonly #reports: Reports;
  readonly #exile: Exile;
  /** Rooms that the hub was asked to let us into and has not answered for. */
  readonly #joining = new Set<string>();
  #link: Link | undefined;
  #auth: AuthOk | undefined;
  #readyAt: number | undefined;
  #known: string | undefined;
  #limits: Limits | undefined;
  #presence: ClientFrame | undefined;
  #ready = Promise.withResolvers<void>();

  constructor(options: HubOptions, events: HubEvents) {
    const rooms = (options.rooms ?? []).map(asHub);
    this.#options = { ...options, rooms };
    this.#events = events;
    this.#asks = new Asks((question) => this.#write(question), (error) => this.#refusal(error));
    this.#outbox = new Outbox(options.outbox ?? memoryFile());
    this.#exile = new Exile(options.exile ?? memoryFile(), rooms);
    this.#reports = new Reports((reports) => events.proven?.(reports));
  }

  get connected(): boolean {
    return this.#auth !== undefined;
  }
  /** The bot that the token belongs to, once it was heard from the hub. */
  get bot(): string | undefined {
    return this.#known;
  }
  get auth(): AuthOk | undefined {
    return this.#auth;
  }
  /** Rooms of the configuration that somebody took the bot out of. */
  get exiled(): readonly string[] {
    return this.#exile.rooms;
  }
  get unsent(): number {
    return this.#outbox.size;
  }

  /** Stays connected until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    let replaced = 0;
    const { random } = this.#options;
    while (!signal.aborted) {
      this.#events.state?.({ kind: "connecting" });
      this.#readyAt = undefined;
      const link = openLink(this.#linkOptions(), this.#linkEvents(), signal);
      this.#link = link;
      const ended = await link.ended;
      // A hub that lets us in and then closes is not met at full speed either.
      const livedMs = this.#readyAt === undefined ? 0 : this.#now() - this.#readyAt;
      if (livedMs >= STEADY_MS) attempt = 0;
      if (livedMs >= UNDISPUTED_MS) replaced = 0;
      this.#lost(ended);
      const verdict = verdictOf(ended, backoffMs(attempt++, random), replaced, random);
      if (verdict.kind === "stop") break;
      if (ended.kind === "sent_away" && ended.reason === "replaced") replaced++;
      const { kind, ...said } = verdict;
      this.#events.state?.(kind === "blocked" ? { kind, reason: said.reason } : { ...said, kind: "recovering", attempt });
      await pause(verdict.retryInMs, signal);
    }
  }

  /** Resolves when the hub has stored the message; throws `HubRefusal` when it does not take it. */
  async send(draft: Draft): Promise<Ack> {
    return (await this.sendAll([draft])).at(-1) as Ack;
  }

  /** Several that belong together, in this order: all are on disk before the first one leaves. */
  async sendAll(drafts: readonly Draft[]): Promise<Ack[]> {
    const outcomes = this.#outbox.add(drafts.map(named), this.#limits);
    this.#sendNext();
    return (await Promise.all(outcomes)).map((settled) => {
      if (settled.kind === "refused") throw this.#refusal(settled.error);
      return settled.ack;
    });
  }

  /** What the hub allows, as far as it said. */
  get limits(): Limits | undefined {
    return this.#limits;
  }

  async ask<Q extends Question>(question: Q): Promise<Answer<Q>> {
    return inFull(named(question), (page) => this.#asks.add(page));
  }

  /** Says what became of an entry; repeated until the hub certainly has it. */
  report(report: Report): void {
    this.#reports.add(report);
    if (this.#write({ type: "receipt", ...receiptOf(report) })) this.#prove();
  }

  /** Says what this bot is doing; said again at each connection. */
  presence(state: "idle" | "busy", note?: string): void {
    this.#presence = { type: "presence", state, ...(note === undefined ? {} : { note }) };
    this.#write(this.#presence);
  }

  typing(room: string): void {
    this.#write({ type: "typing", room });
  }

  join(room: string): void {
    if (this.#write({ type: "join", room })) this.#joining.add(asHub(room));
  }

  /** Resolves at once while connected, else at the next connection. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  #linkOptions() {
    const { url, token, client, side, open, now } = this.#options;
    // Typing comes with `presence`. Receipts are read for losses alone: anything else about a message is asked for when
    // it is wanted. A side connection names a capability because the hub answers in full only to clients that do.
    const caps = side ? ["receipts"] : ["ack", "presence", "receipts", "ranges", "governor"];
    const auth = { type: "auth", token, client, caps, ...(side ? { side } : { resume: {} }) } as const;
    return { url, auth, open, now };
  }

  #linkEvents() {
    return { ready: (auth: AuthOk) => this.#welcome(auth), frame: (frame: ServerFrame) => this.#take(frame) };
  }

  #welcome(auth: AuthOk): void {
    this.#auth = auth;
    this.#readyAt = this.#now();
    this.#known = auth.bot ?? this.#known;
    const member = new Set(auth.rooms?.map((it) => it.room));
    for (const room of member) this.rooms.set(room, this.rooms.get(room) ?? new Set());
    for (const room of this.#exile.wanted(this.#options.rooms ?? [], member, auth.epoch ?? "")) this.join(room);
    if (this.#presence !== undefined) this.#write(this.#presence);
    // Reports first: an answer must not overtake the word that its question was taken.
    for (const report of this.#reports.restart()) this.#write({ type: "receipt", ...receiptOf(report) });
    this.#prove();
    this.#limits = auth.limits ?? this.#limits;
    for (const { error } of this.#outbox.expel(this.#limits)) this.#events.refused?.(this.#refusal(error));
    this.#outbox.restart();
    this.#sendNext();
    this.#ready.resolve();
    const hub = auth.hub === undefined ? "a hub without a name" : `${auth.hub.name} ${auth.hub.version}`;
    this.#events.state?.({ kind: "ready", bot: this.#known ?? "", hub });
  }

  #lost(ended: Ended): void {
    if (this.#auth !== undefined) this.#ready = Promise.withResolvers();
    this.#auth = undefined;
    this.#link = undefined;
    this.#joining.clear();
    this.#asks.abandon(ended.kind === "lost" ? ended.reason : "the connection to the hub ended");
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case "message":
        if (frame.id !== undefined && frame.seq !== undefined) {
          this.rooms.get(frame.room)?.add(frame.from);
          this.#events.entry?.({ ...frame, id: frame.id, seq: frame.seq, heardAt: Date.now() });
        }
        return;
      case "joined":
        this.rooms.set(frame.room, new Set(Array.isArray(frame.members) ? frame.members : []));
        this.#exile.admitted(frame.room);
        this.#joining.delete(frame.room);
        return this.#sendNext();
      case "left":
        this.rooms.delete(frame.room);
        if (frame.reason === undefined) return;
        this.#exile.expelled(frame.room);
        return this.#events.expelled?.(frame.room, frame.reason);
      case "ack": {
        const draft = this.#outbox.acknowledge(frame);
        if (draft !== undefined) this.#events.stored?.(draft, frame);
        return this.#sendNext();
      }
      case "ping":
        // A client has no `pong`; a `ping` of its own proves as much.
        return void this.#write({ type: "ping", ...(frame.at === undefined ? {} : { at: frame.at }) });
      case "pong":
        this.#reports.ponged(frame.at);
        return;
      case "typing":
        return this.#events.typing?.(frame.room, frame.from);
      case "gap":
        return this.#events.gap?.(frame);
      case "pause":
        return this.#events.pause?.(frame);
      case "receipt":
      case "receipts":
        return this.#events.receipt?.(frame);
      case "error":
        return this.#refused(frame);
      default:
        this.#asks.answer(frame);
    }
  }

  #refused(error: ErrorFrame): void {
    const { random } = this.#options;
    const wait = error.retry_after_ms === undefined ? backoffMs(2, random) : notBefore(error.retry_after_ms, random);
    // It does not say which room. What is sent into one that we are not in is refused for itself.
    if (error.ref === "join") this.#joining.clear();
    const now = Date.now();
    const { kind } = this.#outbox.refuse(error, wait, now);
    // The timer may fire before the wall clock says so, or that was set back: what it was set for is due.
    if (kind === "later") setTimeout(() => this.#sendNext(now + wait), atMost(wait)).unref();
    else if (kind === "unknown" && !this.#asks.refuse(error)) this.#refusedUnasked(error);
    this.#sendNext();
  }

  #refusedUnasked(error: ErrorFrame): void {
    if (error.ref !== undefined && !isForNow(error)) this.#reports.refused(error.ref);
    this.#events.refused?.(this.#refusal(error));
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  #sendNext(now = Date.now()): void {
    const draft = this.#outbox.next(now, this.#joining);
    if (draft !== undefined && !this.#write({ type: "message", ...draft })) this.#outbox.restart();
  }

  #refusal(error: ErrorFrame): HubRefusal {
    return new HubRefusal(error, this.#options.hint?.(error));
  }

  #prove(): void {
    if (this.#link !== undefined) this.#reports.pinged(this.#link.ping());
  }

  #write(frame: ClientFrame): boolean {
    return this.#auth !== undefined && this.#link !== undefined && this.#link.send(frame);
  }
}
