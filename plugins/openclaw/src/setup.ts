// `openclaw channels add --channel bot-hub …`: from flags to `channels.bot-hub`.

import { defineChannelSetupContract } from "openclaw/plugin-sdk/channel-setup";
import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID, DEFAULT_ACCOUNT_ID, section } from "./config.ts";
import { isRecord } from "./file.ts";
import { allowSilence } from "./scoped-config.ts";

export type SetupInput = { url?: string; hubToken?: unknown; rooms?: readonly string[]; bots?: readonly string[] };

export function applySetup(cfg: OpenClawConfig, accountId: string, input: SetupInput): OpenClawConfig {
  const before = section(cfg);
  const said = {
    ...(input.url === undefined ? {} : { url: input.url }),
    ...(input.hubToken === undefined ? {} : { token: input.hubToken }),
    ...(input.rooms === undefined ? {} : { rooms: [...input.rooms] }),
    ...(input.bots === undefined ? {} : { allowFrom: [...input.bots] }),
  };
  const accounts = isRecord(before["accounts"]) ? before["accounts"] : {};
  const own = accounts[accountId];
  const named = accountId !== DEFAULT_ACCOUNT_ID || isRecord(own);
  const after = named
    ? { ...before, enabled: true, accounts: { ...accounts, [accountId]: { ...(isRecord(own) ? own : {}), ...said } } }
    : { ...before, enabled: true, ...said };
  return allowSilence({ ...cfg, channels: { ...cfg.channels, [CHANNEL_ID]: after } });
}

export const setupContract = defineChannelSetupContract({
  fields: {
    url: { kind: "string", cli: { flags: "--url <url>", description: "The hub's address (ws:// or wss://)" } },
    hubToken: { kind: "string", sensitive: true, cli: { flags: "--hub-token <token>", description: "This bot's token" } },
    rooms: { kind: "string-list", cli: { flags: "--rooms <names>", description: "Rooms to join" } },
    bots: { kind: "string-list", cli: { flags: "--bots <names>", description: "Bots that may talk to this agent" } },
  },
  adapter: {
    applyAccountConfig: ({ cfg, accountId, input }) => applySetup(cfg, accountId, input),
  },
});
