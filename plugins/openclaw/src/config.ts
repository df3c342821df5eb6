// What stands in `channels.bot-hub`, read once per use.
//
// Owns defaults, inheritance (an account takes from the section what it does not say itself) and
// what is wrong with a value. Nothing here throws: a mistake becomes a sentence in `problems`, and
// the account runs with what is right, or is blocked with that sentence.

import { isRecord } from "../client/index.js";
import { formatTarget, parseTarget, readRoom } from "./names.ts";
import { TURNS_MAX } from "./loops.ts";
import { Reader } from "./reader.ts";
import {
  DEFAULT_RULES, own, readBots, readDirect, readGroups, readLoopGuard, type DirectRules, type LoopGuard, type RoomRules,
} from "./room-rules.ts";

export const CHANNEL_ID = "bot-hub";
export const DEFAULT_ACCOUNT_ID = "default";

export type DirectPolicy = "pairing" | "allowlist" | "open" | "disabled";
export type GroupPolicy = "allowlist" | "open" | "disabled";
/** The token, or why there is none to use. */
export type Token = { kind: "value"; value: string } | { kind: "missing" } | { kind: "unresolved"; source: string; reference: unknown };

export type Account = {
  accountId: string;
  enabled: boolean;
  configured: boolean;
  name?: string;
  url: string;
  token: Token;
  rooms: string[];
  protocol: "middleware" | "off";
  dmPolicy: DirectPolicy;
  allowFrom: string[];
  groupPolicy: GroupPolicy;
  groupAllowFrom: string[];
  groups: Record<string, RoomRules>;
  /** Rules of the direct conversation with one bot. */
  direct: Record<string, DirectRules>;
  loopGuard?: LoopGuard;
  /** So many turns of a room without a person, and it stands still. */
  turns: number;
  /** Where something goes that is sent without a target. */
  defaultTo?: string;
  problems: string[];
};

const KEYS = [
  "enabled", "name", "url", "token", "rooms", "protocol", "dmPolicy", "allowFrom", "groupPolicy", "groupAllowFrom",
  "groups", "direct", "botLoopProtection", "turns", "defaultTo", "healthMonitor", "accounts",
];

type Environment = Readonly<Record<string, string | undefined>>;
type Config = { channels?: unknown };

export function section(cfg: Config): Record<string, unknown> {
  const channels = isRecord(cfg.channels) ? cfg.channels : {};
  const own = channels[CHANNEL_ID];
  return isRecord(own) ? own : {};
}

export function listAccountIds(cfg: Config, env: Environment = process.env): string[] {
  const { accounts, enabled: _, ...said } = section(cfg);
  const named = isRecord(accounts) ? Object.keys(accounts) : [];
  // A token of the section is a bot of its own, beside the named accounts.
  if (named.length > 0) return said["token"] === undefined || named.includes(DEFAULT_ACCOUNT_ID) ? named : [DEFAULT_ACCOUNT_ID, ...named];
  // Also with nothing but a mistake in the section: then its status says so.
  return Object.keys(said).length > 0 || env["BOT_HUB_TOKEN"] ? [DEFAULT_ACCOUNT_ID] : [];
}

export function defaultAccountId(cfg: Config): string {
  const ids = listAccountIds(cfg);
  return ids.includes(DEFAULT_ACCOUNT_ID) ? DEFAULT_ACCOUNT_ID : (ids[0] ?? DEFAULT_ACCOUNT_ID);
}

export function resolveAccount(cfg: Config, id?: string | null, env: Environment = process.env): Account {
  const accountId = id ?? defaultAccountId(cfg);
  const { accounts, ...shared } = section(cfg);
  const said = isRecord(accounts) ? own(accounts, accountId) : undefined;
  const read = new Reader({ ...shared, ...(isRecord(said) ? said : {}) }, "channels.bot-hub", KEYS);
  const url = readUrl(read, env);
  const token = readToken(read, env);
  const guard = readLoopGuard(read);
  const name = read.text("name");
  const defaultTo = readDefaultTo(read);
  checkHealthMonitor(read);
  const account: Account = {
    accountId,
    enabled: shared["enabled"] !== false && read.flag("enabled", true),
    configured: url !== "" && token.kind === "value",
    ...(name === undefined ? {} : { name }),
    url,
    token,
    rooms: read.names("rooms", readRoom),
    protocol: read.choice("protocol", ["middleware", "off"], "middleware"),
    dmPolicy: read.choice("dmPolicy", ["allowlist", "pairing", "open", "disabled"], "allowlist"),
    allowFrom: readBots(read, "allowFrom"),
    groupPolicy: read.choice("groupPolicy", ["allowlist", "open", "disabled"], "allowlist"),
    groupAllowFrom: readBots(read, "groupAllowFrom"),
    groups: readGroups(read),
    direct: readDirect(read),
    ...(guard === undefined ? {} : { loopGuard: guard }),
    turns: read.count("turns") ?? TURNS_MAX,
    ...(defaultTo === undefined ? {} : { defaultTo }),
    problems: read.problems,
  };
  return account;
}

/** The rules of a room; an entry of its own wins over `*`. */
export function roomRules(account: Account, room: string): RoomRules {
  return own(account.groups, room) ?? account.groups["*"] ?? DEFAULT_RULES;
}

/** Whether the lists admit a bot, for what is only shown; a turn asks OpenClaw's own rules. */
export function isAdmitted(account: Account, room: string, bot: string): boolean {
  const listed = (list: readonly string[]) => list.includes(bot) || list.includes("*");
  if (room.startsWith("dm:")) return account.dmPolicy === "open" || (account.dmPolicy !== "disabled" && listed(account.allowFrom));
  const rules = roomRules(account, room);
  if (!rules.enabled || account.groupPolicy === "disabled") return false;
  if (account.groupPolicy === "open" && rules.allowFrom.length === 0) return true;
  const shared = account.groupAllowFrom.length > 0 ? account.groupAllowFrom : account.allowFrom;
  return listed(rules.allowFrom.length > 0 ? rules.allowFrom : shared);
}

/** Whether the agent may be shown what a bot said. With pairing any bot may be admitted to a direct conversation by now: OpenClaw keeps that list. */
export function isReadable(account: Account, room: string, bot: string): boolean {
  return isAdmitted(account, room, bot) || (room.startsWith("dm:") && account.dmPolicy === "pairing");
}

/** Why an account cannot connect, in words for its owner. */
export function unconfiguredReason(account: Account): string {
  if (account.url === "") return "the hub's address is missing: set `channels.bot-hub.url` or `BOT_HUB_URL`";
  if (account.token.kind === "unresolved") return `the token could not be read from ${account.token.source}`;
  return "the token is missing: set `channels.bot-hub.token` or `BOT_HUB_TOKEN`";
}

function readUrl(read: Reader, env: Environment): string {
  const url = (read.text("url") ?? env["BOT_HUB_URL"] ?? "").trim();
  if (url === "" || (/^wss?:\/\/\S+$/.test(url) && URL.canParse(url))) return url;
  const web = /^http(s?):\/\/(.+)$/.exec(url);
  read.complain("url", url, web === null ? "an address like `wss://hub.example`" : `\`ws${web[1]}://${web[2]}\``);
  return "";
}

function readToken(read: Reader, env: Environment): Token {
  const raw = read.take("token");
  if (isRecord(raw)) {
    // Where OpenClaw could read the secret, its value stands here instead.
    return { kind: "unresolved", source: `the ${String(raw["source"])} secret \`${String(raw["id"])}\``, reference: raw };
  }
  const value = (typeof raw === "string" && raw.trim() !== "" ? raw : (env["BOT_HUB_TOKEN"] ?? "")).trim();
  if (raw !== undefined && typeof raw !== "string") read.complain("token", raw, "a text or a SecretRef");
  return value === "" ? { kind: "missing" } : { kind: "value", value };
}

function readDefaultTo(read: Reader): string | undefined {
  const raw = read.text("defaultTo");
  if (raw === undefined) return undefined;
  const target = parseTarget(raw);
  if (target === undefined) read.complain("defaultTo", raw, "`room:NAME` or `bot:NAME`");
  return target === undefined ? undefined : formatTarget(target);
}

/** OpenClaw itself obeys this one, in silence; so it is only checked. */
function checkHealthMonitor(read: Reader): void {
  const path = `${read.path}.healthMonitor`;
  new Reader(read.record("healthMonitor"), path, ["enabled"], read.problems).optionalFlag("enabled");
}
