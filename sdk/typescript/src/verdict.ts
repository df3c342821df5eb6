// What the end of a connection means for the next one.

import type { ErrorFrame } from "./frames.ts";
import type { Ended } from "./link.ts";

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
export function verdictOf(ended: Ended, backoff: number, replaced = 0): Verdict {
  switch (ended.kind) {
    case "stopped":
      return { kind: "stop" };
    case "lost":
      return { kind: "again", reason: ended.reason, retryInMs: backoff };
    case "unusable":
      return { kind: "blocked", reason: ended.reason, retryInMs: BLOCKED_RETRY_MS };
    case "refused":
      return refused(ended.error, backoff);
    case "sent_away":
      return sentAway(ended, backoff, replaced);
  }
}

function refused(error: ErrorFrame, backoff: number): Verdict {
  const reason = error.hint === undefined ? error.message : `${error.message}; hint: ${error.hint}`;
  if (error.retry === "later") {
    return { kind: "again", reason, retryInMs: Math.max(backoff, error.retry_after_ms ?? 0) };
  }
  return { kind: "blocked", reason: `the hub refused this bot: ${reason}`, retryInMs: BLOCKED_RETRY_MS };
}

function sentAway(ended: Extract<Ended, { kind: "sent_away" }>, backoff: number, replaced: number): Verdict {
  const reason = SENTENCES[ended.reason] ?? `the hub closed the connection (${ended.reason})`;
  if (ended.reconnectInMs !== undefined) return { kind: "again", reason, retryInMs: Math.max(ended.reconnectInMs, 1) };
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
