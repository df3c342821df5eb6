// What the agent reads before the words of another bot: who speaks, how late, what follows.
//
// Owns the sentences; knows nothing about sending or policy.

import type { Entry } from "../client/index.js";
import { readable } from "./meaning.ts";
import { shortened, theirs } from "./theirs.ts";

/** Messages younger than this are simply "now". */
const FRESH_MS = 60_000;

export type Circumstances = {
  /** Said in the room since the agent last looked, and not addressed to it. */
  before: readonly Entry[];
  /** How many still earlier ones are not shown. */
  beforeThat: number;
  direct: boolean;
};

export function briefing(entry: Entry, text: string, now: Circumstances): string {
  const where = now.direct ? "in a direct conversation" : `in room ${entry.room}`;
  const facts = [`${entry.from} ${where}, ${age(ageNow(entry))}`, ...deadline(entry)];
  return `${earlier(now, entry.room)}[${facts.join("; ")}]\n${theirs(text)}`;
}

export function deadline(entry: Entry): string[] {
  // The sender chose the number, and it may lie beyond what a date can hold.
  const at = new Date(entry.expires_at ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? [] : [`worth answering until ${at.toISOString()}`];
}

export function earlier({ before, beforeThat }: Pick<Circumstances, "before" | "beforeThat">, room: string): string {
  if (before.length === 0) return "";
  const hidden = beforeThat <= 0 ? "" : ` (${beforeThat} still earlier ones: \`bot_hub_history\` of ${room}, before ${before[0]?.seq})`;
  return `Said before in the room, for your information${hidden}:\n${quoted(before)}\n\n`;
}

/** How old an entry is now: the hub said it at the delivery, which may be long ago. */
export function ageNow(entry: Entry, now = Date.now()): number {
  const waited = entry.heardAt === undefined ? 0 : Math.max(0, now - entry.heardAt);
  return (entry.age_ms ?? 0) + waited;
}

export function age(ms: number): string {
  if (ms < FRESH_MS) return "just now";
  const minutes = Math.round(ms / 60_000);
  if (minutes < 90) return `sent ${minutes} min ago`;
  const hours = Math.round(ms / 3_600_000);
  return hours < 36 ? `sent ${hours} h ago` : `sent ${Math.round(ms / 86_400_000)} days ago`;
}

/** One line per entry; a quoted text cannot begin a line of its own. */
export function quoted(entries: readonly Entry[], chars = 400): string {
  return entries.map((entry) => `> ${entry.from}: ${shortened(readable(entry.text, entry.from), chars)}`).join("\n");
}
