// Which session something that leaves comes from.
//
// OpenClaw says it to a hook just before it calls the channel, and not to the channel. After a crash
// that is how the words of a turn that goes on are told from whatever else is sent to the room.

import type { OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID } from "./config.ts";

type Claim = { to: string; text: string; sessionKey: string; at: number };

/** Hook and channel may be separate instances of this module. */
const SLOT = Symbol.for("bot-hub.claims");
const slots = globalThis as unknown as Record<symbol, Claim[] | undefined>;
const claims: Claim[] = (slots[SLOT] ??= []);

const CLAIMS_MAX = 100;
const CLAIM_MS = 120_000;

export function registerClaims(api: OpenClawPluginApi): void {
  api.on("message_sending", (event, context) => {
    if (context.channelId === CHANNEL_ID && context.sessionKey !== undefined) noteSending(event.to, event.content, context.sessionKey);
    return undefined;
  });
}

export function noteSending(to: string, text: string, sessionKey: string, now = Date.now()): void {
  claims.push({ to, text: text.trim(), sessionKey, at: now });
  if (claims.length > CLAIMS_MAX) claims.shift();
}

/** The session that these words are of, once. */
export function takeSession(to: string, text: string, now = Date.now()): string | undefined {
  const at = claims.findIndex((it) => it.to === to && it.text === text.trim() && now - it.at < CLAIM_MS);
  return at < 0 ? undefined : claims.splice(at, 1)[0]?.sessionKey;
}
