// Which pauses of the hub hold for this account, and how that is said.
//
// Owns what the hub told on this connection. Never pauses anything itself.

import type { Pause } from "../client/index.js";
import { theirsInline } from "./theirs.ts";

export class Pauses {
  readonly #held = new Map<string, Pause>();

  /** The hub tells of each one again on every connection. */
  begin(): void {
    this.#held.clear();
  }

  /** A pause holds or has ended. Returns the sentence about it. */
  told(pause: Pause): string {
    const key = [pause.room ?? "*", pause.bot ?? "*", pause.by === undefined ? "rule" : "person"].join(" ");
    if (!pause.on) {
      this.#held.delete(key);
      return `${placeOf(pause)}: not paused by that any more`;
    }
    this.#held.set(key, pause);
    return pauseSentence(pause);
  }

  sentences(): string[] {
    return [...this.#held.values()].map(pauseSentence);
  }
}

function placeOf(pause: Pause): string {
  return pause.room === undefined ? "all rooms" : `#${pause.room}`;
}

/** `#lab: paused since 2026-11-20T03:12:00.000Z, 30 of 30 "turns"; what is said waits. To go on: bot-hub resume lab @ann` */
export function pauseSentence(pause: Pause): string {
  const { by, why, room, bot, until } = pause;
  const parts = [`${placeOf(pause)}: paused since ${new Date(pause.since).toISOString()}`];
  if (by !== undefined) parts.push(`by ${by}`);
  if (why?.rule !== undefined) parts.push(`${why.used ?? "?"} of ${why.limit ?? "?"} ${theirsInline(why.rule)}`);
  if (why?.text !== undefined) parts.push(theirsInline(why.text));
  if (until !== undefined) parts.push(`until ${new Date(until).toISOString()}`);
  const target = [room, bot === undefined ? undefined : `@${bot}`].filter((it) => it !== undefined);
  return `${parts.join(", ")}; what is said waits. To go on: bot-hub resume ${target.length === 0 ? "--all" : target.join(" ")}`;
}
