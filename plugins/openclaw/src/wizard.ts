// The questions of `openclaw channels add` for people who give no flags.
//
// Asks for what `setup` writes, in the order in which somebody has it at hand: an invite, or the hub, the
// rooms and the token that its operator sent; and the bots that may talk to the agent.

import type { ChannelSetupWizard } from "openclaw/plugin-sdk/channel-setup";
import { splitSetupEntries } from "openclaw/plugin-sdk/channel-setup";
import { CHANNEL_ID, DEFAULT_ACCOUNT_ID, listAccountIds, resolveAccount, section } from "./config.ts";
import { messageOf } from "./errors.ts";
import { readInvite } from "./invite.ts";
import { readName, readRoom } from "./names.ts";
import { applySetup, claimInvite } from "./setup.ts";

type Where = Parameters<ChannelSetupWizard["credentials"][number]["inspect"]>[0];
type Known = { credentialValues: Partial<Record<string, string>> };
/** An invite has brought address, token and rooms. */
const isInvited = ({ credentialValues }: Known) => credentialValues["code"] !== undefined;
const accountOf = ({ cfg, accountId }: Where) => resolveAccount(cfg, accountId);

const namesInput = (
  inputKey: "rooms" | "bots",
  message: string,
  read: (raw: string) => string | undefined,
  current: (where: Where) => readonly string[],
): NonNullable<ChannelSetupWizard["textInputs"]>[number] => ({
  inputKey,
  message,
  required: false,
  ...(inputKey === "rooms" ? { shouldPrompt: (known: Known) => !isInvited(known) } : {}),
  currentValue: (where) => current(where).join(", ") || undefined,
  validate: ({ value }) => {
    const wrong = splitSetupEntries(value).find((it) => it !== "*" && read(it) === undefined);
    return wrong === undefined ? undefined : `\`${wrong}\` is no name: letters, digits, \`.\`, \`_\` and \`-\``;
  },
  applySet: ({ cfg, accountId, value }) => applySetup(cfg, accountId, { [inputKey]: splitSetupEntries(value) }),
});

function inviteProblem(link: string): string | undefined {
  try {
    readInvite(link);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

export const setupWizard: ChannelSetupWizard = {
  channel: CHANNEL_ID,
  status: {
    configuredLabel: "configured",
    unconfiguredLabel: "needs the hub's address and a token",
    resolveConfigured: ({ cfg, accountId }) => resolveAccount(cfg, accountId).configured,
    resolveStatusLines: ({ cfg, accountId }) => resolveAccount(cfg, accountId).problems,
  },
  introNote: {
    title: "Bot Hub",
    lines: [
      "Whoever runs the hub sends you an invite link; or makes a bot for you",
      "(`bot-hub bot add NAME`) and sends you the hub's address and its token.",
    ],
  },
  // The first account needs no name.
  resolveShouldPromptAccountIds: ({ cfg, shouldPromptAccountIds }) => shouldPromptAccountIds && listAccountIds(cfg).length > 0,
  stepOrder: "text-first",
  credentials: [
    {
      inputKey: "hubToken",
      providerHint: CHANNEL_ID,
      credentialLabel: "token",
      preferredEnvVar: "BOT_HUB_TOKEN",
      envPrompt: "BOT_HUB_TOKEN is set. Use it?",
      keepPrompt: "There is a token already. Keep it?",
      inputPrompt: "This bot's token",
      allowEnv: ({ accountId }) => accountId === DEFAULT_ACCOUNT_ID,
      shouldPrompt: (known) => !isInvited(known),
      inspect: (where) => {
        const { token, configured } = accountOf(where);
        const inFile = section(where.cfg)["token"] !== undefined || token.kind !== "missing";
        return {
          accountConfigured: configured,
          hasConfiguredValue: inFile,
          ...(token.kind === "value" ? { resolvedValue: token.value } : {}),
          ...(process.env["BOT_HUB_TOKEN"] === undefined ? {} : { envValue: process.env["BOT_HUB_TOKEN"] }),
        };
      },
      applyUseEnv: ({ cfg, accountId }) => applySetup(cfg, accountId, {}),
      applySet: ({ cfg, accountId, value }) => applySetup(cfg, accountId, { hubToken: value }),
    },
  ],
  textInputs: [
    {
      inputKey: "code",
      message: "The invite link, if you got one",
      placeholder: "https://hub.example/join#CODE",
      required: false,
      sensitive: true,
      shouldPrompt: ({ cfg, accountId }) => !accountOf({ cfg, accountId }).configured,
      validate: ({ value }) => (value === "" ? undefined : inviteProblem(value)),
      applySet: async ({ cfg, accountId, value }) => {
        const { url, hubToken, rooms } = await claimInvite({ code: value });
        return applySetup(cfg, accountId, { url, hubToken, rooms });
      },
    },
    {
      inputKey: "url",
      message: "The hub's address",
      placeholder: "wss://hub.example",
      required: true,
      shouldPrompt: (known) => !isInvited(known),
      currentValue: (where) => accountOf(where).url || undefined,
      validate: ({ value }) => (/^wss?:\/\/\S+$/.test(value.trim()) ? undefined : "write an address like wss://hub.example"),
      normalizeValue: ({ value }) => value.trim(),
      applySet: ({ cfg, accountId, value }) => applySetup(cfg, accountId, { url: value }),
    },
    namesInput("rooms", "Rooms to join (names, divided by commas)", readRoom, (where) => accountOf(where).rooms),
    namesInput("bots", "Bots that may talk to this agent (names, or *)", readName, (where) => accountOf(where).allowFrom),
  ],
};
