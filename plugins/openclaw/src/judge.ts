// What each waiting entry is to this agent: for it, beside it, or refused.
//
// Owns meaning, who is meant and who is admitted, entry by entry. Begins no turn and sends no receipt.

import type { OpenClawConfig, PluginRuntime } from "openclaw/plugin-sdk/channel-core";
import { resolveChannelInboundRouteEnvelope } from "openclaw/plugin-sdk/channel-inbound";
import type { Entry, JsonFile } from "../client/index.js";
import { refusalReason, resolveAccess } from "./access.ts";
import { CHANNEL_ID, roomRules, type Account } from "./config.ts";
import { entryKey } from "./entry-key.ts";
import type { LiveAccount } from "./live.ts";
import { furtherRequests, meaningOf, piecesOf, type Asked, type Meaning } from "./meaning.ts";
import { directPeer, replyTarget, type Target } from "./names.ts";
import { askToPair } from "./pairing.ts";
import type { Member, Rooms } from "./rooms.ts";
import { scopedConfig } from "./scoped-config.ts";
import type { Role } from "./several.ts";
import { sessionKeyOf } from "./tool-policy.ts";
import type { Outcome } from "./turns.ts";

export type InboundOptions = {
  /** The owner's configuration as it is now: agents and bindings may change while the account runs. */
  config: () => OpenClawConfig;
  account: Account;
  live: LiveAccount;
  runtime: PluginRuntime;
  signal: AbortSignal;
  log: (text: string) => void;
  /** Says something to the owner of the agent, in the agent's main session. */
  tellOwner?: (text: string) => void;
  /** Up to where the agent has seen each room. */
  seen?: JsonFile;
  /** Messages that never arrived, and that the agent was not told of yet. */
  losses?: JsonFile;
};

/** Where a turn takes place. */
export type Place = {
  room: string;
  cfg: OpenClawConfig;
  route: ReturnType<typeof resolveChannelInboundRouteEnvelope>;
  sessionKey: string;
  where: Target;
  peer: { kind: "direct" | "group"; id: string };
  members: readonly Member[];
  /** Only who is addressed answers. */
  mustBeAddressed: boolean;
};

/** So many requests of one message get answers of their own: each answer is a message, and a text may hold thousands of requests. */
const REQUESTS_MAX = 20;

export type Access = Awaited<ReturnType<typeof resolveAccess>>;
export type Judged =
  | { entry: Entry; refused: Outcome }
  | { entry: Entry; refused?: never; text: string; role: Role; addressed: boolean; requests: readonly Asked[]; beyond: number; access: Access };

export class Judge {
  readonly #options: InboundOptions;
  readonly #rooms: Rooms;

  constructor(options: InboundOptions, rooms: Rooms) {
    this.#options = options;
    this.#rooms = rooms;
  }

  async place(room: string): Promise<Place> {
    const { account, live } = this.#options;
    const me = live.client.bot ?? "";
    const cfg = scopedConfig(this.#options.config());
    const bot = directPeer(room, me);
    const peer = bot === undefined ? { kind: "group" as const, id: room } : { kind: "direct" as const, id: bot };
    const route = resolveChannelInboundRouteEnvelope({ cfg, channel: CHANNEL_ID, accountId: account.accountId, peer });
    const where = replyTarget(room, me);
    const members = bot === undefined ? await this.#rooms.members(room) : [];
    return {
      room, cfg, route, where, peer, members,
      sessionKey: sessionKeyOf(route.route.agentId, where, account.accountId),
      mustBeAddressed: bot === undefined && (roomRules(account, room).requireMention ?? members.length > 2),
    };
  }

  async judge(entry: Entry, place: Place): Promise<Judged> {
    const { live, account } = this.#options;
    const me = live.client.bot ?? "";
    const pieces = account.protocol === "off" ? [{ block: null, text: entry.text }] : piecesOf(entry.text);
    const meaning = meaningOf(entry, me, pieces, await this.#rooms.repliesToMe(entry, live.said));
    const role = roleOf(meaning, place.mustBeAddressed);
    const access = await this.#access(entry, meaning, place, role);
    const { admission, reasonCode } = access.ingress;
    // What nobody has to answer is not worth a pairing code.
    const isQuiet = role === "notice" || role === "overheard";
    if (admission === "pairing-required" && !isQuiet) return { entry, refused: await askToPair(this.#options.runtime, live, entry) };
    if (admission !== "dispatch") return { entry, refused: { state: "declined", reason: refusalReason(reasonCode) } };
    const all = meaning.kind === "request" ? [meaning, ...furtherRequests(entry, me, pieces)] : [];
    const requests = all.slice(0, REQUESTS_MAX);
    const clarified = meaning.kind === "response" ? this.#clarified(entry, meaning) : undefined;
    const text = clarified === undefined ? meaning.text : `${meaning.text}\nNow do what was asked: ${clarified}`;
    return { entry, text, role: clarified === undefined ? role : "request", addressed: meaning.addressed, requests, beyond: all.length - requests.length, access };
  }

  /** The task that an answer to our question lets go on. */
  #clarified(entry: Entry, { requestId, depth }: Extract<Meaning, { kind: "response" }>): string | undefined {
    const { requests } = this.#options.live;
    const key = entryKey(entry);
    return (requests.byEntry(key) ?? requests.clarified(requestId, { id: key, from: entry.from }, depth))?.task;
  }

  #access(entry: Entry, meaning: Meaning, place: Place, role: Role): Promise<Access> {
    return resolveAccess({
      cfg: place.cfg, account: this.#options.account, entry, meaning, peer: place.peer,
      agentId: place.route.route.agentId, sessionKey: place.sessionKey,
      inboundEventKind: role === "answer" ? "room_event" : "user_request", owed: role === "request",
    });
  }
}

function roleOf(meaning: Meaning, mustBeAddressed: boolean): Role {
  if (meaning.kind === "context") return "notice";
  if (meaning.kind === "response") return "answer";
  if (meaning.kind === "request") return "request";
  return meaning.addressed || !mustBeAddressed ? "talk" : "overheard";
}
