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
import { CHANNEL_ID, roomRules, type Account } from "./config.ts";
import { digest } from "./digest.ts";
import type { Entry } from "./hub-client.ts";
import { Lanes } from "./lane.ts";
import type { LiveAccount } from "./live.ts";
import { meaningOf, type Meaning } from "./meaning.ts";
import { directPeer } from "./names.ts";
import { Rooms } from "./rooms.ts";
import { messageOf, NotAdopted, runTurn } from "./turn.ts";
import type { Outcome } from "./turns.ts";

export type InboundOptions = {
  cfg: OpenClawConfig;
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
    const { live, signal } = this.#options;
    if (entry.from === live.client.bot || this.#queued.has(entry.id) || live.turns.isKnown(entry.id)) return;
    this.#queued.add(entry.id);
    this.#lanes.add(entry.room, async () => {
      live.client.presence("busy");
      try {
        if (!signal.aborted) await this.#handle(entry);
      } finally {
        this.#queued.delete(entry.id);
        if (this.#lanes.busy <= 1) live.client.presence("idle");
      }
    });
  }

  async #handle(entry: Entry): Promise<void> {
    const { live, account } = this.#options;
    const meaning = await this.#meaning(entry);
    const covered = this.#rooms.digestOf(entry);
    if (covered !== undefined && meaning.kind !== "request") {
      return live.turns.end(entry, { reason: "read in a digest of what waited", ...covered });
    }
    if (meaning.kind === "context") return live.turns.end(entry, { state: "done", reason: "noted" });
    if (meaning.kind === "response" && this.#settle(entry, meaning)) {
      return live.turns.end(entry, { state: "done", reason: "taken as the answer that was waited for" });
    }
    const behind = Math.max(this.#lanes.behind(entry.room), (entry.backlog?.total ?? 0) - (entry.backlog?.index ?? 0));
    const outcome =
      behind >= account.digestAfter && meaning.kind === "talk" ? await this.#catchUp(entry) : await this.#turn(entry, meaning, behind);
    if (outcome !== undefined) live.turns.end(entry, outcome);
  }

  async #meaning(entry: Entry): Promise<Meaning> {
    const { live, account } = this.#options;
    const block = account.protocol === "off" ? null : (loadBlocks()?.parse(entry.text) ?? null);
    return meaningOf(entry, live.client.bot ?? "", block, await this.#rooms.repliesToMe(entry, live.said));
  }

  /** Whether somebody waited for this answer, and no turn is needed. */
  #settle(entry: Entry, meaning: Extract<Meaning, { kind: "response" }>): boolean {
    return this.#options.live.requests.answered(meaning.requestId, `${meaning.text}\n(message ${entry.id})`) === "waited";
  }

  async #turn(entry: Entry, meaning: Meaning, newer: number): Promise<Outcome | undefined> {
    const { live } = this.#options;
    let { text } = meaning;
    let quiet = meaning.kind === "response";
    if (meaning.kind === "request") {
      const { requestId, replyTo, task, depth } = meaning;
      live.requests.asked({ requestId, entry: entry.id, room: entry.room, replyTo, task, depth, at: Date.now() });
    } else if (meaning.kind === "response") {
      const clarified = live.requests.clarified(meaning.requestId, entry.id, meaning.depth);
      quiet = clarified === undefined;
      if (clarified !== undefined) text += `\nNow do what was asked: ${clarified.task}`;
    }
    const direct = directPeer(entry.room, live.client.bot ?? "") !== undefined;
    const before = direct ? [] : await this.#rooms.unread(entry);
    return this.#dispatch(entry, briefing(entry, text, { newer, before, direct }), meaning, quiet);
  }

  async #catchUp(entry: Entry): Promise<Outcome | undefined> {
    const waiting = await this.#rooms.waitingFrom(entry);
    const me = this.#options.live.client.bot ?? "";
    const others = waiting.filter((it) => it.from !== me);
    const anyone = others.some((it) => meaningOf(it, me, null, false).addressed);
    const meaning: Meaning = { kind: "talk", text: "", addressed: anyone, mentionsSomebody: true };
    const outcome = await this.#dispatch(entry, digest(others, entry.room), meaning, false);
    if (outcome !== undefined) this.#rooms.digested(others, outcome);
    return outcome;
  }

  async #dispatch(entry: Entry, body: string, meaning: Meaning, quiet: boolean): Promise<Outcome | undefined> {
    const { cfg, account, live, runtime, signal, log } = this.#options;
    const bot = directPeer(entry.room, live.client.bot ?? "");
    const peer = bot === undefined ? { kind: "group" as const, id: entry.room } : { kind: "direct" as const, id: bot };
    // A bot's direct conversation must not land in the owner's main session.
    const scoped = { ...cfg, session: { ...cfg.session, dmScope: "per-account-channel-peer" as const } };
    const route = resolveChannelInboundRouteEnvelope({ cfg: scoped, channel: CHANNEL_ID, accountId: account.accountId, peer });
    const requireMention = roomRules(account, entry.room).requireMention ?? (await this.#rooms.isCrowd(entry.room));
    const { agentId, sessionKey } = route.route;
    const repliesToMe = entry.reply_to !== undefined && meaning.addressed;
    const inboundEventKind = quiet ? ("room_event" as const) : ("user_request" as const);
    for (let attempt = 0; ; attempt++) {
      try {
        const access = await resolveAccess({
          cfg, account, entry, meaning, peer, agentId, sessionKey, inboundEventKind, repliesToMe, requireMention,
        });
        if (access.ingress.admission !== "dispatch") {
          log(`${entry.room}/${entry.from} is not admitted: ${access.ingress.reasonCode}`);
          return { state: "declined", reason: refusalReason(access.ingress.reasonCode) };
        }
        const { addressed } = meaning;
        return await runTurn({ cfg, account, live, runtime, entry, body, route, peer, access, addressed, quiet, log, signal });
      } catch (error) {
        // A receipt is a fact: as long as nobody took it, the entry stays the hub's.
        if (signal.aborted) return undefined;
        const wait = RETRY_MS[attempt];
        if (wait === undefined) return { state: "failed", reason: `OpenClaw did not take it: ${messageOf(error)}` };
        const what = error instanceof NotAdopted ? "OpenClaw did not take" : "could not prepare";
        log(`${what} ${entry.id} of ${entry.room}; again in ${wait} ms: ${messageOf(error)}`);
        await pause(wait, signal);
      }
    }
  }
}
