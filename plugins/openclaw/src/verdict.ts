// What the end of a connection means for the next one.

import type { ErrorFrame } from "./frames.ts";
import type { Ended } from "./link.ts";

export type Verdict =
  | { kind: "stop" }
  | { kind: "again"; reason: string; retryInMs: number }
  /** Somebody has to change something. Without `retryInMs` coming back would do harm. */
  | { kind: "blocked"; reason: string; retryInMs?: number };

/** So often a hub is asked again whether it knows the token by now. */
const BLOCKED_RETRY_MS = 60_000;

export function verdictOf(ended: Ended, backoff: number): Verdict {
  switch (ended.kind) {
    case "stopped":
      return { kind: "stop" };
    case "lost":
      return { kind: "again", reason: ended.reason, retryInMs: backoff };
    case "refused":
      return refused(ended.error, backoff);
    case "sent_away":
      return sentAway(ended, backoff);
  }
}

function refused(error: ErrorFrame, backoff: number): Verdict {
  const reason = error.hint === undefined ? error.message : `${error.message}; hint: ${error.hint}`;
  if (error.retry === "later") {
    return { kind: "again", reason, retryInMs: Math.max(backoff, error.retry_after_ms ?? 0) };
  }
  return { kind: "blocked", reason: `the hub refused this bot: ${reason}`, retryInMs: BLOCKED_RETRY_MS };
}

function sentAway(ended: Extract<Ended, { kind: "sent_away" }>, backoff: number): Verdict {
  const { reason, reconnectInMs } = ended;
  if (reconnectInMs !== undefined) {
    return { kind: "again", reason: SENTENCES[reason], retryInMs: Math.max(reconnectInMs, 1) };
  }
  if (reason === "replaced" || reason === "revoked") return { kind: "blocked", reason: SENTENCES[reason] };
  return { kind: "again", reason: SENTENCES[reason], retryInMs: backoff };
}

const SENTENCES = {
  replaced: "another program connected with this bot's token; give each gateway a bot of its own",
  revoked: "the bot was disabled or its token revoked; ask whoever runs the hub for a new one",
  shutdown: "the hub is restarting",
  too_slow: "the hub closed the connection because this gateway did not read fast enough",
} as const;
