// From an entry that the hub delivered to a turn, or to the receipt that says why there is none.
//
// Owns the order of the steps. One entry of a room at a time; what is not adopted by OpenClaw stays
// unacknowledged, so that the hub delivers it again.

import type { OpenClawConfig, PluginRuntime } from "openclaw/plugin-sdk/channel-core";
import { resolveChannelInboundRouteEnvelope } from "openclaw/plugin-sdk/channel-inbound";
import { refusalReason, resolveAccess } from "./access.ts";
import { pause } from "./backoff.ts";
import { loadBlocks } from "./blocks.ts";
import { briefing } from "./briefing.ts";
import { CHANNEL_ID, isAdmitted, roomRules, type Account } from "./config.ts";
import { scopedConfig } from "./scoped-config.ts";
import { digest } from "./digest.ts";
import type { Entry } from "./hub-client.ts";
import { Lanes } from "./lane.ts";
import type { LiveAccount } from "./live.ts";
import { meaningOf, type Meaning } from "./meaning.ts";
import { directPeer, replyTarget } from "./names.ts";
import { askToPair } from "./pairing.ts";
import { Rooms } from "./rooms.ts";
import { messageOf } from "./errors.ts";
import { sessionKeyOf } from "./tool-policy.ts";
import { runTurn } from "./turn.ts";
import type { Outcome } from "./turns.ts";

export type InboundOptions = {
  /** The owner's configuration as it is now: agents and bindings may change while the account runs. */
  config: () => OpenClawConfig;
  account: Account;
  live: LiveAccount;
  runtime: PluginRuntime;
  signal: AbortSignal;
  log: (text: string) => void;
};

/** Before an entry is given up, OpenClaw is asked so often, after these waits. */
const RETRY_MS = [500, 2_000, 10_000, 30_000];

export class Inbound {
  readonly #options: InboundOptions;
  readonly #lanes: Lanes;
  readonly #rooms: Rooms;
  /** Entries in a lane: the hub may deliver them again after a reconnect. */
  readonly #queued = new Set<string>();

  constructor(options: InboundOptions) {
    this.#options = options;
    this.#lanes = new Lanes((room, error) => options.log(`an entry of ${room} could not be handled: ${messageOf(error)}`));
    this.#rooms = new Rooms(options.live.client);
  }

  take(entry: Entry): void {
    const { live } = this.#options;
    if (entry.from === live.client.bot || this.#queued.has(entry.id) || live.turns.isKnown(entry.id)) return;
    // The turn that waits for this answer is in the lane; behind it the two would wait for each other.
    if (this.#isAwaited(entry)) return live.turns.end(entry, { state: "done", reason: "taken as the answer that was waited for" });
    this.#queued.add(entry.id);
    this.#lanes.add(entry.room, async () => {
      live.client.presence("busy");
      try {
        await this.#persist(entry);
      } finally {
        this.#queued.delete(entry.id);
        if (this.#lanes.busy <= 1) live.client.presence("idle");
      }
    });
  }

  /**
   * Handles an entry in spite of a hub that goes away or an OpenClaw that is not ready. A receipt is
   * a fact: as long as nobody took the entry, there is none, and a restart gets it delivered again.
   */
  async #persist(entry: Entry): Promise<void> {
    const { live, signal, log } = this.#options;
    for (let attempt = 0; !signal.aborted; ) {
      try {
        return await this.#handle(entry);
      } catch (error) {
        if (signal.aborted) return;
        const wait = RETRY_MS[attempt];
        if (wait === undefined) return live.turns.end(entry, { state: "failed", reason: `could not be handled: ${messageOf(error)}` });
        log(`${entry.id} of ${entry.room} could not be handled; again in ${wait} ms: ${messageOf(error)}`);
        if (live.client.connected) attempt++;
        await pause(wait, signal);
      }
    }
  }

  async #handle(entry: Entry): Promise<void> {
    const { live, account } = this.#options;
    const meaning = await this.#meaning(entry);
    const covered = this.#rooms.digestOf(entry);
    if (covered !== undefined && meaning.kind !== "request") {
      return live.turns.end(entry, { reason: "read in a digest of what waited", ...covered });
    }
    if (meaning.kind === "context") return live.turns.end(entry, { state: "done", reason: "noted" });
    const behind = Math.max(this.#lanes.behind(entry.room), (entry.backlog?.total ?? 0) - (entry.backlog?.index ?? 0));
    const outcome =
      behind >= account.digestAfter && meaning.kind === "talk" ? await this.#catchUp(entry) : await this.#turn(entry, meaning, behind);
    live.turns.end(entry, outcome);
  }

  async #meaning(entry: Entry): Promise<Meaning> {
    const { live } = this.#options;
    return meaningOf(entry, live.client.bot ?? "", this.#block(entry), await this.#rooms.repliesToMe(entry, live.said));
  }

  /** Whether somebody waits for this answer, and no turn is needed. */
  #isAwaited(entry: Entry): boolean {
    const { live, account } = this.#options;
    const me = live.client.bot ?? "";
    const meaning = meaningOf(entry, me, this.#block(entry), true);
    // A handed-over request is answered by another bot than the one that was asked, in the same room.
    if (meaning.kind !== "response" || live.requests.outgoing(meaning.requestId)?.room !== entry.room) return false;
    if (!isAdmitted(account, entry.room, entry.from)) return false;
    return live.requests.answered(meaning.requestId, `${meaning.text}\n(message ${entry.id})`, !meaning.isPartial);
  }

  #block(entry: Entry) {
    return this.#options.account.protocol === "off" ? null : (loadBlocks()?.parse(entry.text) ?? null);
  }

  async #turn(entry: Entry, meaning: Meaning, newer: number): Promise<Outcome> {
    const { live } = this.#options;
    let { text } = meaning;
    let quiet = meaning.kind === "response";
    if (meaning.kind === "request") {
      // What a bot that is not admitted asks leaves no trace here.
      const { requestId, replyTo, task, depth } = meaning;
      const request = { requestId, entry: entry.id, room: entry.room, replyTo, task, depth, at: Date.now() };
      return this.#brief(entry, meaning, newer, text, false, () => live.requests.asked(request));
    }
    if (meaning.kind === "response") {
      const clarified = live.requests.clarified(meaning.requestId, entry, meaning.depth);
      quiet = clarified === undefined;
      if (clarified !== undefined) text += `\nNow do what was asked: ${clarified.task}`;
    }
    return this.#brief(entry, meaning, newer, text, quiet);
  }

  async #brief(entry: Entry, meaning: Meaning, newer: number, text: string, quiet: boolean, admitted = () => {}): Promise<Outcome> {
    const { live } = this.#options;
    const direct = directPeer(entry.room, live.client.bot ?? "") !== undefined;
    if (!direct && !meaning.addressed && (await this.#mustBeAddressed(entry.room))) {
      return { state: "declined", reason: "not addressed to this bot" };
    }
    const unread = direct ? [] : await this.#rooms.unread(entry);
    const before = unread.filter((it) => isAdmitted(this.#options.account, it.room, it.from));
    const outcome = await this.#dispatch(entry, briefing(entry, text, { newer, before, direct }), meaning, quiet, admitted);
    this.#rooms.saw(entry);
    return outcome;
  }

  async #catchUp(entry: Entry): Promise<Outcome> {
    const { entries: waiting, more } = await this.#rooms.waitingFrom(entry);
    const me = this.#options.live.client.bot ?? "";
    const others = waiting.filter((it) => it.from !== me);
    const readable = others.filter((it) => isAdmitted(this.#options.account, it.room, it.from));
    const addressed = readable.some((it) => meaningOf(it, me, null, false).addressed);
    let outcome: Outcome = { state: "declined", reason: "not addressed to this bot" };
    if (addressed || (readable.length > 0 && !(await this.#mustBeAddressed(entry.room)))) {
      const meaning: Meaning = { kind: "talk", text: "", addressed, mentionsSomebody: true };
      outcome = await this.#dispatch(readable[0] ?? entry, digest(readable, entry.room, more), meaning, false);
    }
    this.#rooms.digested(others, outcome);
    return outcome;
  }

  async #mustBeAddressed(room: string): Promise<boolean> {
    return roomRules(this.#options.account, room).requireMention ?? this.#rooms.isCrowd(room);
  }

  async #dispatch(entry: Entry, body: string, meaning: Meaning, quiet: boolean, admitted = () => {}): Promise<Outcome> {
    const { account, live, runtime, signal, log } = this.#options;
    const cfg = this.#options.config();
    const bot = directPeer(entry.room, live.client.bot ?? "");
    const peer = bot === undefined ? { kind: "group" as const, id: entry.room } : { kind: "direct" as const, id: bot };
    const scoped = scopedConfig(cfg);
    const route = resolveChannelInboundRouteEnvelope({ cfg: scoped, channel: CHANNEL_ID, accountId: account.accountId, peer });
    const { agentId } = route.route;
    const where = replyTarget(entry.room, live.client.bot ?? "");
    const sessionKey = sessionKeyOf(agentId, where, account.accountId);
    const owed = meaning.kind === "request";
    const inboundEventKind = quiet ? ("room_event" as const) : ("user_request" as const);
    const access = await resolveAccess({
      cfg, account, entry, meaning, peer, agentId, sessionKey, inboundEventKind, owed,
    });
    if (access.ingress.admission === "pairing-required") return askToPair(runtime, live, entry);
    if (access.ingress.admission !== "dispatch") {
      log(`${entry.room}/${entry.from} is not admitted: ${access.ingress.reasonCode}`);
      return { state: "declined", reason: refusalReason(access.ingress.reasonCode) };
    }
    admitted();
    return runTurn({ cfg: scoped, account, live, runtime, entry, body, route, sessionKey, where, peer, access, owed, quiet, log, signal });
  }
}
