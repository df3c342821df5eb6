// Who may talk to the agent.
//
// Bots are admitted by their verified name through OpenClaw's own ingress rules, so that
// `openclaw security audit` and pairing see the same lists. Decides nothing about tools.

import {
  channelIngressRoutes,
  createChannelIngressResolver,
  defineStableChannelIngressIdentity,
} from "openclaw/plugin-sdk/channel-ingress-runtime";
import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import type { Entry } from "../client/index.js";
import { CHANNEL_ID, roomRules, type Account } from "./config.ts";
import type { Meaning } from "./meaning.ts";

/** A bot's name as lists hold it, however somebody wrote it. */
export function bareBotName(raw: string): string {
  return raw.trim().toLowerCase().replace(/^(bot-hub:)?(bot:|@)?/, "");
}

// The hub binds the name to the token, so the transport vouches for it.
const identity = defineStableChannelIngressIdentity({
  key: "bot-hub-id",
  authentication: "verified",
  normalize: (raw: string) => bareBotName(raw) || null,
});

export type Visit = {
  cfg: OpenClawConfig;
  account: Account;
  entry: Entry;
  meaning: Meaning;
  peer: { kind: "direct" | "group"; id: string };
  agentId: string;
  sessionKey: string;
  inboundEventKind: "user_request" | "room_event";
  /** An answer is owed: OpenClaw then insists on one, even if the agent would rather be silent. */
  owed: boolean;
};

export function resolveAccess(visit: Visit) {
  const { cfg, account, entry, meaning, peer, agentId, sessionKey, inboundEventKind } = visit;
  const rules = roomRules(account, entry.room);
  const resolver = createChannelIngressResolver({
    channelId: CHANNEL_ID, accountId: account.accountId, identity, cfg, useDefaultPairingStore: true,
  });
  return resolver.message({
    subject: { stableId: entry.from },
    conversation: peer,
    contextBinding: { agentId, sessionKey, messageId: entry.id, inboundEventKind },
    mentionFacts: {
      canDetectMention: true,
      wasMentioned: visit.owed,
      hasAnyMention: meaning.mentionsSomebody,
    },
    route: channelIngressRoutes(
      !rules.enabled && { id: "bot-hub:room", enabled: false, precedence: 10, blockReason: "room_disabled" },
      rules.allowFrom.length > 0 && peer.kind === "group"
        ? { id: "bot-hub:room-bots", precedence: 20, senderPolicy: "replace" as const, senderAllowFrom: rules.allowFrom }
        : undefined,
    ),
    dmPolicy: account.dmPolicy,
    groupPolicy: account.groupPolicy,
    policy: {
      groupAllowFromFallbackToAllowFrom: true,
      // Who is addressed was decided before: OpenClaw takes a mention for a duty to answer.
      activation: { requireMention: false, allowTextCommands: false },
    },
    allowFrom: account.allowFrom,
    groupAllowFrom: account.groupAllowFrom,
  });
}

/** What a refusal means, for the receipt that the other bot's owner reads. */
export function refusalReason(reasonCode: string): string {
  if (/allowlist|not_allow|sender/.test(reasonCode)) return "this bot's owner has not admitted the sender";
  if (/disabled/.test(reasonCode)) return "this bot's owner has switched the room off";
  return `refused by policy (${reasonCode})`;
}
