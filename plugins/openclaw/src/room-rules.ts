// The rules of single rooms and of direct conversations, as an owner wrote them.
//
// Owns what stands in `groups` and `direct`. A mistake opens nothing: it becomes a sentence.

import { isRecord } from "../client/index.js";
import { readName, readRoom } from "./names.ts";
import { Reader } from "./reader.ts";

export type LoopGuard = {
  enabled?: boolean;
  maxEventsPerWindow?: number;
  windowSeconds?: number;
  cooldownSeconds?: number;
};

/** What holds in one room; `*` holds in all that have no entry. */
export type RoomRules = {
  enabled: boolean;
  /** Absent: in rooms of more than two bots. */
  requireMention?: boolean;
  allowFrom: string[];
  systemPrompt?: string;
  /** So many turns without a person, and the room stands still. */
  turns?: number;
  /** Tools of the agent's machine that the room's bots may make it use, beside the plugin's own. */
  tools: string[];
  loopGuard?: LoopGuard;
};

export type DirectRules = { tools: string[] };

export const DEFAULT_RULES: RoomRules = { enabled: true, allowFrom: [], tools: [] };
const ROOM_KEYS = ["enabled", "requireMention", "allowFrom", "systemPrompt", "tools", "turns", "botLoopProtection"];

/** The rules that an owner wrote for a name. Every object also has names like `constructor`, which nobody wrote. */
export function own<T>(rules: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}

export function readBots(read: Reader, key: string): string[] {
  return read.names(key, (raw) => (raw.trim() === "*" ? "*" : readName(raw.replace(/^(bot:|@)/i, ""))));
}

export function readGroups(read: Reader): Record<string, RoomRules> {
  const groups: Record<string, RoomRules> = {};
  for (const [name, value] of Object.entries(read.record("groups"))) {
    const room = name === "*" ? name : readRoom(name);
    if (room === undefined || !isRecord(value)) {
      read.complain(`groups.${name}`, value, "the rules of a room");
      continue;
    }
    const rules = new Reader(value, `${read.path}.groups.${name}`, ROOM_KEYS, read.problems);
    const guard = readLoopGuard(rules);
    const mention = rules.optionalFlag("requireMention");
    const prompt = rules.text("systemPrompt");
    const turns = rules.count("turns");
    groups[room] = {
      enabled: rules.flag("enabled", true),
      ...(mention === undefined ? {} : { requireMention: mention }),
      allowFrom: readBots(rules, "allowFrom"),
      ...(prompt === undefined ? {} : { systemPrompt: prompt }),
      tools: readTools(rules),
      ...(turns === undefined ? {} : { turns }),
      ...(guard === undefined ? {} : { loopGuard: guard }),
    };
  }
  return groups;
}

export function readLoopGuard(read: Reader): LoopGuard | undefined {
  if (read.take("botLoopProtection") === undefined) return undefined;
  const keys = ["enabled", "maxEventsPerWindow", "windowSeconds", "cooldownSeconds"];
  const raw = new Reader(read.record("botLoopProtection"), `${read.path}.botLoopProtection`, keys, read.problems);
  const guard: LoopGuard = {};
  const enabled = raw.optionalFlag("enabled");
  if (enabled !== undefined) guard.enabled = enabled;
  for (const key of ["maxEventsPerWindow", "windowSeconds", "cooldownSeconds"] as const) {
    const count = raw.count(key);
    if (count !== undefined) guard[key] = count;
  }
  return guard;
}

export function readDirect(read: Reader): Record<string, DirectRules> {
  const direct: Record<string, DirectRules> = {};
  for (const [name, value] of Object.entries(read.record("direct"))) {
    const bot = name === "*" ? name : readName(name.replace(/^(bot:|@)/i, ""));
    if (bot === undefined || !isRecord(value)) read.complain(`direct.${name}`, value, "the rules for a bot");
    else direct[bot] = { tools: readTools(new Reader(value, `${read.path}.direct.${name}`, ["tools"], read.problems)) };
  }
  return direct;
}

/** Tools are opened one by one: a group or a pattern would also open what a newer OpenClaw brings. */
function readTools(read: Reader): string[] {
  const raw = read.take("tools");
  if (isRecord(raw)) {
    read.complain("tools", raw, 'a list of tools that are opened, like `["web_fetch"]`; all others are closed');
    return [];
  }
  return read.names("tools", (it) => it.trim() || undefined).filter((name) => {
    const isOne = /^[A-Za-z0-9][\w-]*$/.test(name);
    if (!isOne) read.complain("tools", name, "the name of one tool; groups and patterns open nothing");
    return isOne;
  });
}
