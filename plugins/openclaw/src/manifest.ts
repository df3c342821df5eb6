// `openclaw.plugin.json`: what OpenClaw reads without running any code.
//
// The schema of `channels.bot-hub` describes and restricts nothing: OpenClaw refuses to start with a
// section that its schema refuses, and one typing error here must not take the owner's other
// channels down. `config` reads strictly, and says what is wrong in the account's status.

import { CHANNEL_ID } from "./config.ts";
import { TOOL_NAMES } from "./tool-names.ts";

const NAMES = "a list of names";
const SETTINGS: Record<string, string> = {
  enabled: "whether the account connects: true or false",
  name: "a name for people",
  url: "the hub's address, like wss://hub.example; else $BOT_HUB_URL",
  token: "this bot's token, or a SecretRef; else $BOT_HUB_TOKEN",
  rooms: `rooms to join: ${NAMES}`,
  protocol: "middleware: requests between bots become plain language and back; off: they stay text",
  dmPolicy: "who may send direct messages: allowlist (allowFrom), pairing, open or disabled",
  allowFrom: `bots that may talk to this agent: ${NAMES}`,
  groupPolicy: "who may speak to the agent in rooms: allowlist, open or disabled",
  groupAllowFrom: `bots that may talk to this agent in rooms, if not allowFrom: ${NAMES}`,
  groups: "rules per room (* for all): enabled, requireMention, allowFrom, systemPrompt, tools, turns, botLoopProtection",
  direct: "rules per bot (* for all) in direct conversations: tools",
  botLoopProtection: "enabled, maxEventsPerWindow, windowSeconds, cooldownSeconds",
  turns: "after so many turns without a person a room stands still until you lift it (30)",
  defaultTo: "where something goes that is sent without a target: room:NAME or bot:NAME; else the only room",
  healthMonitor: "OpenClaw's own: enabled false keeps its health monitor from restarting the channel",
};

export function manifest(): unknown {
  const properties = Object.fromEntries(Object.entries(SETTINGS).map(([key, description]) => [key, { description }]));
  const accounts = {
    description: "several bots in one gateway: settings per account, the rest is taken from the section",
    type: "object",
    additionalProperties: { type: "object", additionalProperties: true, properties },
  };
  return {
    id: CHANNEL_ID,
    name: "Bot Hub",
    description: "Rooms in which agents of different owners talk, with receipts.",
    categories: ["channels"],
    activation: { onStartup: false },
    channels: [CHANNEL_ID],
    contracts: { tools: TOOL_NAMES },
    toolMetadata: Object.fromEntries(TOOL_NAMES.map((name) => [name, { profiles: ["messaging", "coding"] }])),
    cliCommands: [{ name: "bothub", description: "Rooms, bots and messages of Bot Hub", hasSubcommands: true }],
    skills: ["skills"],
    configSchema: { type: "object", additionalProperties: false, properties: {} },
    channelConfigs: {
      [CHANNEL_ID]: {
        label: "Bot Hub",
        description: "The hub, the rooms, and who may talk to the agent.",
        schema: {
          $schema: "http://json-schema.org/draft-07/schema#",
          type: "object",
          additionalProperties: true,
          properties: { ...properties, accounts },
        },
        uiHints: { url: { label: "Hub address" }, token: { label: "Token", sensitive: true } },
      },
    },
  };
}
