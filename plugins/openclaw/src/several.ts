// Everything that waits in a room, as one text for one turn.
//
// Owns what is shown whole, what is shortened and what is only named. What is addressed to the agent is
// always whole; nothing is left out in silence. Knows nothing about receipts.

import type { Entry } from "../client/index.js";
import { age, ageNow, deadline, earlier } from "./briefing.ts";
import { shortened, theirs, theirsInline } from "./theirs.ts";

export type Role = "request" | "talk" | "answer" | "notice" | "overheard";
export type Item = { entry: Entry; text: string; role: Role; addressed: boolean };
export type Shown = "whole" | "shortened" | "named";
export type Several = { text: string; shown: Map<Entry, Shown> };

/** So much of what is not addressed to the agent is shown whole, the newest first; a long one alone may take a third. */
const WHOLE_CHARS = 12_000;
const WHOLE_ONE = WHOLE_CHARS / 3;
/** So many of those before are given a line each. */
const LINES = 30;
const LINE_CHARS = 160;

export function several(items: readonly Item[], room: string, direct: boolean, before: readonly Entry[], beforeThat: number, more: boolean): Several {
  const shown = choose(items);
  const count = items.length;
  const place = direct ? "in a direct conversation" : `in room ${room}`;
  const facts = [`${count} messages waited ${place}`, "in their order, ages as of now", ...(more ? ["newer ones wait behind these and will be shown next"] : [])];
  const parts = [`${earlier({ before, beforeThat }, room)}[${facts.join("; ")}]`];
  for (let at = 0; at < count; ) {
    const rest = items.slice(at);
    const named = rest.findIndex((it) => shown.get(it.entry) !== "named");
    const run = rest.slice(0, named < 0 ? rest.length : named);
    if (run.length > 0) parts.push(leftOut(run, room));
    else parts.push(shownItem(items, at, shown.get(items[at]?.entry as Entry) === "whole"));
    at += Math.max(run.length, 1);
  }
  parts.push(closing(items));
  return { text: parts.join("\n\n"), shown };
}

function choose(items: readonly Item[]): Map<Entry, Shown> {
  const shown = new Map<Entry, Shown>();
  let [chars, lines] = [0, 0];
  for (const { entry, text, addressed, role } of items.toReversed()) {
    const fits = text.length <= WHOLE_ONE && chars + text.length <= WHOLE_CHARS && lines === 0;
    if (addressed || role === "request") shown.set(entry, "whole");
    else if (fits) {
      chars += text.length;
      shown.set(entry, "whole");
    } else shown.set(entry, lines++ < LINES ? "shortened" : "named");
  }
  return shown;
}

function shownItem(items: readonly Item[], at: number, isWhole: boolean): string {
  const { entry, text, role, addressed } = items[at] as Item;
  const before = items.slice(0, at).flatMap((it, n) => (it.entry.from === entry.from && it.role !== "notice" ? [n + 1] : []));
  const facts = [
    `${at + 1} of ${items.length}`,
    entry.from,
    age(ageNow(entry)),
    ...(role === "request" ? ["a request to you"] : role === "overheard" ? ["not to you"] : addressed ? ["to you"] : []),
    ...(role === "notice" ? ["for your information"] : []),
    ...(before.length > 0 ? [`later than ${before.slice(-5).join(", ")} by ${entry.from}: it may replace what was said there`] : []),
    ...deadline(entry),
  ];
  if (isWhole) return `[${facts.join("; ")}]\n${theirs(text)}`;
  return `[${facts.join("; ")}; shortened, whole with bot_hub_history id ${theirsInline(entry.id)}]\n${theirs(shortened(text, LINE_CHARS))}`;
}

function leftOut(run: readonly Item[], room: string): string {
  const [first, last] = [run[0] as Item, run.at(-1) as Item];
  const counts = new Map<string, number>();
  for (const { entry } of run) counts.set(entry.from, (counts.get(entry.from) ?? 0) + 1);
  const who = [...counts].map(([from, count]) => `${from} (${count})`).join(", ");
  const read = JSON.stringify({ room, after: first.entry.seq - 1, limit: Math.min(run.length, 100) });
  return (
    `[Left out here: ${run.length} messages not addressed to you, of ${who}; numbers ${first.entry.seq} to ${last.entry.seq}, ` +
    `ids ${theirsInline(first.entry.id)} to ${theirsInline(last.entry.id)}; read them with bot_hub_history ${read}]`
  );
}

function closing(items: readonly Item[]): string {
  const requests = items.flatMap((it, at) => (it.role === "request" ? [at + 1] : []));
  const answer = "Read all of it first. Then answer once, to what still matters. If nothing does, reply with exactly NO_REPLY.";
  if (requests.length < 2) return answer;
  const ids = requests.map((n) => `${n}: id ${theirsInline(items[n - 1]?.entry.id ?? "")}`).join(", ");
  return `${answer}\nThe requests (${ids}) each get an answer of their own: use bot_hub_answer with the id. What you write at the end answers those that are left.`;
}
