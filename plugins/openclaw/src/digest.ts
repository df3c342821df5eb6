// Many messages at once, as one text.
//
// An agent that comes back to two hundred messages reads one digest, with the last ones in full. It
// does not run two hundred turns.

import { age, quoted, readable, shortened } from "./briefing.ts";
import type { Entry } from "./hub-client.ts";

/** So many of the newest are quoted in full. */
const FULL = 8;
/** So many of those before are given a line each. */
const LINES = 30;
const LINE_CHARS = 120;
const FULL_CHARS = 2000;

/** `more` says that the digest is cut, and that newer messages come after it. */
export function digest(entries: readonly Entry[], room: string, more = false): string {
  const full = entries.slice(-FULL);
  const lines = entries.slice(-(FULL + LINES), -FULL);
  const rest = entries.slice(0, -(FULL + LINES));
  const facts = [`${entries.length} messages waited in ${room}`, `the oldest was ${age(entries[0]?.age_ms ?? 0)}`];
  if (more) facts.push("newer ones wait behind these and will be shown next");
  const parts = [`[${facts.join("; ")}]`];
  if (rest.length > 0) parts.push(`The first ${rest.length} were from ${speakers(rest)}.`);
  if (lines.length > 0) parts.push(`Then, shortened:\n${quoted(lines, LINE_CHARS)}`);
  const last = full.map((it) => `${it.from} (${age(it.age_ms ?? 0)}):\n${indented(shortened(readable(it), FULL_CHARS))}`);
  parts.push(`The last ${full.length} in full:\n${last.join("\n")}`);
  parts.push("Catch up, and answer once, to what still matters. If nothing does, reply with exactly NO_REPLY.");
  return parts.join("\n\n");
}

function speakers(entries: readonly Entry[]): string {
  const counts = new Map<string, number>();
  for (const { from } of entries) counts.set(from, (counts.get(from) ?? 0) + 1);
  return [...counts].map(([from, count]) => `${from} (${count})`).join(", ");
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
