// What the end of a connection means for the next one.

import { around, notBefore } from "./backoff.ts";
import type { ErrorFrame } from "./frames.ts";
import type { Ended } from "./link.ts";
import { isForNow } from "./refusal.ts";

export type Verdict =
  | { kind: "stop" }
  | { kind: "again"; reason: string; retryInMs: number }
  /** Somebody has to change something; whether that was done is looked at slowly. */
  | { kind: "blocked"; reason: string; retryInMs: number };

/** So often a hub is asked again whether it knows the token by now, and whether another hub runs there. */
const BLOCKED_RETRY_MS = 60_000;
/** Two programs with one token take turns no more often than this, in the end. */
const REPLACED_RETRY_MAX_MS = 15 * 60_000;

/** `backoff` is the wait after a lost connection; `replaced` says how often in a row another program took over before. */
export function verdictOf(ended: Ended, backoff: number, replaced = 0, random: () => number = Math.random): Verdict {
  switch (ended.kind) {
    case "stopped":
      return { kind: "stop" };
    case "lost":
      return { kind: "again", reason: ended.reason, retryInMs: backoff };
    case "unusable":
      return { kind: "blocked", reason: ended.reason, retryInMs: BLOCKED_RETRY_MS };
    case "refused":
      return refused(ended.error, backoff, random);
    case "sent_away":
      return sentAway(ended, backoff, replaced, random);
  }
}

function refused(error: ErrorFrame, backoff: number, random: () => number): Verdict {
  const reason = error.hint === undefined ? error.message : `${error.message}; hint: ${error.hint}`;
  if (isForNow(error)) {
    return { kind: "again", reason, retryInMs: Math.max(backoff, notBefore(error.retry_after_ms ?? 0, random)) };
  }
  return { kind: "blocked", reason: `the hub refused this bot: ${reason}`, retryInMs: BLOCKED_RETRY_MS };
}

function sentAway(ended: Extract<Ended, { kind: "sent_away" }>, backoff: number, replaced: number, random: () => number): Verdict {
  const reason = SENTENCES[ended.reason] ?? `the hub closed the connection (${ended.reason})`;
  if (ended.reconnectInMs !== undefined) return { kind: "again", reason, retryInMs: Math.max(around(ended.reconnectInMs, random), 1) };
  switch (ended.reason) {
    case "replaced":
      return { kind: "blocked", reason, retryInMs: Math.min(REPLACED_RETRY_MAX_MS, BLOCKED_RETRY_MS * 2 ** Math.min(replaced, 10)) };
    case "revoked":
      return { kind: "blocked", reason, retryInMs: BLOCKED_RETRY_MS };
    default:
      return { kind: "again", reason, retryInMs: backoff };
  }
}

/** A newer hub may know further reasons. */
const SENTENCES: Partial<Record<string, string>> = {
  replaced: "another program connected with this bot's token; give each program a bot of its own",
  revoked: "the bot was disabled or its token revoked; ask whoever runs the hub for a new one",
  shutdown: "the hub is restarting",
  too_slow: "the hub closed the connection because this program did not read fast enough",
};
