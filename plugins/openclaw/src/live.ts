// The accounts that run in this process.
//
// OpenClaw loads agent tools and the channel as separate instances of this module, so the table
// lies in a slot of the process and not in a variable of the module.

import type { HubClient } from "../client/index.js";
import type { Account } from "./config.ts";
import type { Loops } from "./loops.ts";
import type { Pauses } from "./pauses.ts";
import type { Requests } from "./requests.ts";
import type { Turns } from "./turns.ts";

/** What a running account consists of. */
export type LiveAccount = {
  account: Account;
  client: HubClient;
  turns: Turns;
  requests: Requests;
  /** Which rooms stand still, because no person takes part. */
  loops: Loops;
  /** What the hub lets stand still for this account. */
  pauses: Pauses;
  /** Goes on with what waits in a room. */
  wake(room: string): void;
  /** Ids of what this account said lately: an answer to one of them is an answer to us. */
  said: Set<string>;
  /** What the hub refused since the connection was made and nobody waited for, like a room to join. */
  refusals: Set<string>;
  /** When a bot was last composing something, by room and bot. */
  typing: Map<string, number>;
};

const SLOT = Symbol.for("bot-hub.live-accounts");
const slots = globalThis as unknown as Record<symbol, Map<string, LiveAccount> | undefined>;
export const liveAccounts: Map<string, LiveAccount> = (slots[SLOT] ??= new Map());

const SAID_MAX = 1000;
/** Whoever was composing so lately probably still is. */
const TYPING_MS = 8_000;

export function noteTyping(live: LiveAccount, room: string, bot: string, now = Date.now()): void {
  for (const [key, at] of live.typing) if (now - at > TYPING_MS) live.typing.delete(key);
  live.typing.set(`${room}/${bot}`, now);
}

export function isTyping(live: LiveAccount, room: string, bot: string, now = Date.now()): boolean {
  return now - (live.typing.get(`${room}/${bot}`) ?? 0) < TYPING_MS;
}

export function remember(live: LiveAccount, id: string): void {
  live.said.add(id);
  for (const oldest of live.said) {
    if (live.said.size <= SAID_MAX) break;
    live.said.delete(oldest);
  }
}
