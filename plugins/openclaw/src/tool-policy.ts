// What a turn that another bot began may use.
//
// Owns the list of allowed tools: the plugin's own, and what the owner opened by name. A list of what
// is forbidden would be one tool behind with every new tool. Never says who may speak.

import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID, DEFAULT_ACCOUNT_ID, listAccountIds, resolveAccount, roomRules, type Account } from "./config.ts";
import { readName, readRoom, type Target } from "./names.ts";
import { own } from "./room-rules.ts";
import { TOOL_NAMES } from "./tool-names.ts";

/** What the owner opened for a conversation, beside the plugin's own tools. */
export function openedTools(account: Account, where: Target): readonly string[] {
  if (where.kind === "room") return roomRules(account, where.room).tools;
  return (own(account.direct, where.bot) ?? account.direct["*"])?.tools ?? [];
}

export function toolPolicy(account: Account, where: Target): { allow: string[] } {
  return { allow: [...new Set([...TOOL_NAMES, ...openedTools(account, where)])] };
}

/**
 * The last part of a session's key. Direct conversations have the form of a group too: OpenClaw asks
 * a channel for the tools of groups alone, also when a turn goes on after a crash.
 */
export function sessionPeer(where: Target, accountId: string): string {
  if (where.kind === "room") return where.room;
  return accountId === DEFAULT_ACCOUNT_ID ? `@${where.bot}` : `@${where.bot}/${accountId}`;
}

export function sessionKeyOf(agentId: string, where: Target, accountId: string): string {
  return `agent:${agentId}:${CHANNEL_ID}:group:${sessionPeer(where, accountId)}`.toLowerCase();
}

/** What `sessionPeer` made, also in the forms in which OpenClaw names a group. */
export function conversationOf(peer: string): Target | undefined {
  const bare = peer.trim().toLowerCase().replace(/^room:/, "");
  if (bare.startsWith("@") || bare.startsWith("bot:")) {
    const bot = readName(bare.replace(/^(@|bot:)/, "").split("/")[0] ?? "");
    return bot === undefined ? undefined : { kind: "bot", bot };
  }
  const room = readRoom(bare);
  return room === undefined ? undefined : { kind: "room", room };
}

/** The conversation of a session's key, or nothing if the session is none of this channel. */
export function conversationOfSession(sessionKey: string | undefined): Target | undefined {
  const found = new RegExp(`^agent:[^:]+:${CHANNEL_ID}:(?:group|channel):(.+)$`, "i").exec(sessionKey ?? "");
  return found?.[1] === undefined ? undefined : conversationOf(found[1]);
}

/** Also for a conversation that cannot be read: then nothing but the plugin's own. */
export function policyOfPeer(account: Account, peer: string): { allow: string[] } {
  const where = conversationOf(peer);
  return where === undefined ? { allow: [...TOOL_NAMES] } : toolPolicy(account, where);
}

/** Whether any account lets a session of this channel use a tool. Sessions of other channels are not ours to judge. */
export function isToolClosed(cfg: OpenClawConfig, sessionKey: string | undefined, tool: string): boolean {
  const where = conversationOfSession(sessionKey);
  if (where === undefined) return false;
  const accounts = listAccountIds(cfg).map((id) => resolveAccount(cfg, id));
  return !accounts.some((account) => toolPolicy(account, where).allow.includes(tool));
}

/** What is open to other bots, one sentence for each conversation. */
export function openSentences(account: Account): string[] {
  const rooms = Object.entries(account.groups).map(([room, { tools }]) => ({ who: room === "*" ? "in every room without rules" : `in the room \`${room}\``, tools }));
  const direct = Object.entries(account.direct).map(([bot, { tools }]) => ({ who: bot === "*" ? "directly, every bot without rules" : `directly, \`${bot}\``, tools }));
  return [...rooms, ...direct]
    .filter(({ tools }) => tools.length > 0)
    .map(({ who, tools }) => `${who}: the words of other bots may use ${tools.map((it) => `\`${it}\``).join(", ")} of this machine`);
}
