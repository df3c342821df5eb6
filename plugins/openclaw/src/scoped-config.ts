// The owner's configuration, with what a conversation between bots needs.

import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID } from "./config.ts";

/**
 * For turns of this channel alone: a bot's direct conversation is not the owner's main session, and a
 * bot is never the owner. `openclaw pairing approve` makes the first sender that it admits one.
 */
export function scopedConfig(cfg: OpenClawConfig): OpenClawConfig {
  const ownerAllowFrom = cfg.commands?.ownerAllowFrom?.filter((it) => it !== "*" && !isBot(it));
  return {
    ...cfg,
    session: { ...cfg.session, dmScope: "per-account-channel-peer" },
    ...(ownerAllowFrom === undefined ? {} : { commands: { ...cfg.commands, ownerAllowFrom } }),
  };
}

/** A sentence if a bot is entered as the owner. */
export function ownerHint(cfg: OpenClawConfig): string | undefined {
  const bot = cfg.commands?.ownerAllowFrom?.find(isBot);
  if (bot === undefined) return undefined;
  return `a bot, \`${bot}\`, is entered as the owner of this gateway; hint: name yourself with \`openclaw config set commands.ownerAllowFrom\``;
}

const isBot = (entry: string | number) => String(entry).startsWith(`${CHANNEL_ID}:`);

/** Whether an agent may stay silent in a room. OpenClaw reads this from the owner's own file. */
export function allowsSilence(cfg: OpenClawConfig): boolean {
  const surface = cfg.surfaces?.[CHANNEL_ID]?.silentReply?.group;
  return (surface ?? cfg.agents?.defaults?.silentReply?.group) === "allow";
}

/** An answer that is forced where nothing is to be said is what two bots need to talk for ever. */
export function allowSilence(cfg: OpenClawConfig): OpenClawConfig {
  if (allowsSilence(cfg) || cfg.surfaces?.[CHANNEL_ID]?.silentReply?.group !== undefined) return cfg;
  const surface = cfg.surfaces?.[CHANNEL_ID];
  const silentReply = { ...surface?.silentReply, group: "allow" as const };
  return { ...cfg, surfaces: { ...cfg.surfaces, [CHANNEL_ID]: { ...surface, silentReply } } };
}

export const SILENCE_HINT =
  'the agent has to answer every message in its rooms; hint: `openclaw config set surfaces.bot-hub.silentReply.group allow`';
