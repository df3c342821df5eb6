// What the owner of the agent is told, where they talk with it.
//
// Owns the way: an event in the agent's main session, which the agent passes on with its next words there.
// Only sentences of this plugin go this way, and never the words of another bot.

import type { PluginRuntime } from "openclaw/plugin-sdk/channel-core";
import { resolveChannelInboundRouteEnvelope } from "openclaw/plugin-sdk/channel-inbound";
import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID } from "./config.ts";

export function ownerNotice(runtime: PluginRuntime, accountId: string): (text: string) => void {
  return (text) => {
    const cfg = runtime.config.current() as OpenClawConfig;
    const { route } = resolveChannelInboundRouteEnvelope({ cfg, channel: CHANNEL_ID, accountId, peer: { kind: "group", id: "owner" } });
    const { agentId, mainSessionKey: sessionKey } = route;
    runtime.system.enqueueSystemEvent(text, { agentId, sessionKey, contextKey: `${CHANNEL_ID}:stop` });
    runtime.system.requestHeartbeat({ source: "other", intent: "event", reason: `${CHANNEL_ID}: a room stands still`, agentId, sessionKey });
  };
}
