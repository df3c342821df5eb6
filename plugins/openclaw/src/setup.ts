// `openclaw channels add --channel bot-hub …` and `channels remove`: from flags to `channels.bot-hub`.
//
// Owns what is written where. The first account is the section itself, others are below `accounts`.

import { defineChannelSetupContract } from "openclaw/plugin-sdk/channel-setup";
import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { isRecord } from "../client/index.js";
import { CHANNEL_ID, DEFAULT_ACCOUNT_ID, resolveAccount, section } from "./config.ts";
import { claim, readInvite, type Claimed } from "./invite.ts";
import { readName } from "./names.ts";
import { allowSilence } from "./scoped-config.ts";
import { LOADED_VERSION } from "./version.ts";

export type SetupInput = {
  name?: string;
  url?: string;
  hubToken?: unknown;
  code?: string;
  rooms?: readonly string[];
  bots?: readonly string[];
};

export function applySetup(cfg: OpenClawConfig, accountId: string, input: SetupInput): OpenClawConfig {
  const before = section(cfg);
  const said = {
    ...(input.name === undefined ? {} : { name: input.name }),
    ...(input.url === undefined ? {} : { url: input.url }),
    ...(input.hubToken === undefined ? {} : { token: input.hubToken }),
    ...(input.rooms === undefined ? {} : { rooms: [...input.rooms] }),
    ...(input.bots === undefined ? {} : { allowFrom: [...input.bots] }),
  };
  const accounts = accountsOf(before);
  const own = accounts[accountId];
  const named = accountId !== DEFAULT_ACCOUNT_ID || isRecord(own);
  const after = named
    ? { ...before, enabled: true, accounts: { ...accounts, [accountId]: { ...(isRecord(own) ? own : {}), ...said } } }
    : { ...before, enabled: true, ...said };
  return allowSilence(withSection(cfg, after));
}

/** Without the account; the others keep what they took from the section. */
export function removeAccount(cfg: OpenClawConfig, accountId: string): OpenClawConfig {
  const { token, accounts: _, ...shared } = section(cfg);
  const { [accountId]: own, ...others } = accountsOf(section(cfg));
  if (own === undefined && accountId !== DEFAULT_ACCOUNT_ID) return cfg;
  // Without an entry of its own the account was the section, and what made it one is the token.
  const kept = own === undefined || token === undefined ? {} : { token };
  const left = Object.keys(others).length > 0 ? { accounts: others } : {};
  return withSection(cfg, "accounts" in left || "token" in kept ? { ...shared, ...kept, ...left } : undefined);
}

export function enableAccount(cfg: OpenClawConfig, accountId: string, enabled: boolean): OpenClawConfig {
  const before = section(cfg);
  const accounts = accountsOf(before);
  // `enabled` of the section is for all accounts.
  if (Object.keys(accounts).length === 0) return withSection(cfg, { ...before, enabled });
  const own = isRecord(accounts[accountId]) ? accounts[accountId] : {};
  return withSection(cfg, { ...before, accounts: { ...accounts, [accountId]: { ...own, enabled } } });
}

/** What an owner still has to do while no bot is admitted. An invite cannot say whom its receiver trusts. */
export function admission(cfg: OpenClawConfig, accountId: string): string | undefined {
  const { groupPolicy, allowFrom, groupAllowFrom, groups } = resolveAccount(cfg, accountId);
  const isSaid = groupPolicy !== "allowlist" || [allowFrom, groupAllowFrom, Object.keys(groups)].some((it) => it.length > 0);
  if (isSaid) return undefined;
  const own = accountsOf(section(cfg))[accountId] === undefined ? "" : `accounts.${accountId}.`;
  return `Its agent answers nobody until you name who may talk to it: \`openclaw config set channels.${CHANNEL_ID}.${own}allowFrom '["NAME"]'\`.`;
}

/** Hands an invite's code in: from here on it is as if the owner had typed what the hub gave. */
export async function claimInvite({ code, ...input }: SetupInput & { code: string }): Promise<SetupInput & Claimed> {
  if (input.url !== undefined || input.hubToken !== undefined) {
    throw new Error("an invite brings its own address and token; hint: give either `--code`, or `--url` and `--hub-token`");
  }
  const claimed = await claim(readInvite(code), `openclaw/${LOADED_VERSION}`, readName(input.name ?? ""));
  const rooms = [...new Set([...claimed.rooms, ...(input.rooms ?? [])])];
  return { ...input, ...claimed, rooms, hubToken: claimed.token };
}

function accountsOf(values: Record<string, unknown>): Record<string, unknown> {
  return isRecord(values["accounts"]) ? values["accounts"] : {};
}

function withSection(cfg: OpenClawConfig, after: object | undefined): OpenClawConfig {
  const { [CHANNEL_ID]: _, ...others } = cfg.channels ?? {};
  return { ...cfg, channels: after === undefined ? others : { ...others, [CHANNEL_ID]: after } };
}

export const setupContract = defineChannelSetupContract({
  fields: {
    url: { kind: "string", cli: { flags: "--url <url>", description: "The hub's address (ws:// or wss://)" } },
    hubToken: { kind: "string", sensitive: true, cli: { flags: "--hub-token <token>", description: "This bot's token" } },
    code: { kind: "string", sensitive: true, cli: { flags: "--code <link>", description: "An invite link, in place of address and token" } },
    rooms: { kind: "string-list", cli: { flags: "--rooms <names>", description: "Rooms to join" } },
    bots: { kind: "string-list", cli: { flags: "--bots <names>", description: "Bots that may talk to this agent" } },
  },
  adapter: {
    // The section is an account of its own, also beside named ones.
    configPromotion: "preserve-root",
    prepareAccountConfigInput: async ({ cfg, accountId, input, runtime }) => {
      const { code } = input;
      if (code === undefined) return input;
      const { bot, url, token, rooms } = await claimInvite({ ...input, code });
      runtime.log(`This gateway is the bot \`${bot}\` at ${url}, in ${rooms.join(", ") || "no room yet"}.`);
      const left = admission(applySetup(cfg, accountId, input), accountId);
      if (left !== undefined) runtime.log(left);
      const { code: _, ...rest } = input;
      return { ...rest, url, hubToken: token, rooms };
    },
    applyAccountConfig: ({ cfg, accountId, input }) => applySetup(cfg, accountId, input),
  },
});
