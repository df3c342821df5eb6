// Which session something that leaves comes from.
//
// OpenClaw tells a channel what to send, and not who says it. It does tell what its agents say, session by session:
// that is how, after a crash, the words of a turn that goes on are told from whatever else is sent to the room.

import type { OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { formatTarget } from "./names.ts";
import { conversationOfSession } from "./tool-policy.ts";

type Words = { text: string; at: number };

/** Whoever listens and the channel may be separate instances of this module. */
const SLOT = Symbol.for("bot-hub.claims");
const slots = globalThis as unknown as Record<symbol, Map<string, Words> | undefined>;
const words: Map<string, Words> = (slots[SLOT] ??= new Map());

const SESSIONS_MAX = 100;
const CLAIM_MS = 120_000;
/** OpenClaw may send a long text in pieces. */
const PIECE_CHARS_MIN = 500;

export function registerClaims(api: OpenClawPluginApi): void {
  api.runtime.events.onAgentEvent(({ stream, sessionKey, data }) => {
    if (stream === "assistant" && typeof data["text"] === "string") noteWords(sessionKey, data["text"]);
  });
}

/** What an agent says in a session, as far as it has come. */
export function noteWords(sessionKey: string | undefined, text: string, now = Date.now()): void {
  if (sessionKey === undefined || text.trim() === "" || conversationOfSession(sessionKey) === undefined) return;
  words.delete(sessionKey);
  words.set(sessionKey, { text: text.trim(), at: now });
  const [oldest] = words.keys();
  if (words.size > SESSIONS_MAX && oldest !== undefined) words.delete(oldest);
}

/** The session of this conversation that these words are of. */
export function sessionOf(to: string, text: string, now = Date.now()): string | undefined {
  const piece = text.trim();
  const isSaid = (it: Words) => now - it.at < CLAIM_MS && (it.text === piece || (piece.length >= PIECE_CHARS_MIN && it.text.includes(piece)));
  for (const [sessionKey, said] of words) {
    const where = conversationOfSession(sessionKey);
    if (where !== undefined && formatTarget(where) === to && isSaid(said)) return sessionKey;
  }
  return undefined;
}
