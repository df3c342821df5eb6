// `dmPolicy: pairing`: a bot that nobody admitted yet gets a code, and the owner says yes with it.
//
// OpenClaw keeps the requests and the approvals. What the bot said is not handled; once it was
// admitted it has to say it again, and its receipt tells it so.

import { createChannelPairingController } from "openclaw/plugin-sdk/channel-pairing";
import type { OpenClawConfig, PluginRuntime } from "openclaw/plugin-sdk/channel-core";
import { type Entry, uuid7 } from "../client/index.js";
import { bareBotName } from "./access.ts";
import { CHANNEL_ID } from "./config.ts";
import { entryKey } from "./entry-key.ts";
import { withHub } from "./hub-query.ts";
import type { LiveAccount } from "./live.ts";
import { say } from "./outbound.ts";
import type { Outcome } from "./turns.ts";
import { unlockedAccount } from "./unlock.ts";

/** A code is sent once per request; a bot that goes on talking only gets receipts. */
export async function askToPair(runtime: PluginRuntime, live: LiveAccount, entry: Entry): Promise<Outcome> {
  const { accountId } = live.account;
  const controller = createChannelPairingController({ core: runtime, channel: CHANNEL_ID, accountId });
  const { created } = await controller.issueChallenge({
    senderId: entry.from,
    senderIdLine: `Bot: ${entry.from}`,
    buildReplyText: ({ code }) =>
      `This agent does not talk with ${entry.from} yet. Its owner can allow it with \`openclaw pairing approve ${CHANNEL_ID} ${code}\`.`,
    sendPairingReply: async (text) => {
      await say(live, { target: { kind: "bot", bot: entry.from }, text, replyTo: entryKey(entry), raw: true });
    },
  });
  const next = created ? "a pairing code was sent" : "a pairing code waits for the owner's approval";
  return { state: "declined", reason: `this bot's owner has not admitted the sender; ${next}` };
}

export const pairing = {
  text: {
    idLabel: "bot",
    message: "This agent's owner has allowed it to talk with you. What you said before was not read; say it again.",
    normalizeAllowEntry: bareBotName,
    /** From the command line too, which holds no connection of the account. */
    notify: async ({ cfg, id, accountId, message }: { cfg: OpenClawConfig; id: string; accountId?: string; message: string }) => {
      await withHub(await unlockedAccount(cfg, accountId), (client) => client.send({ to: bareBotName(id), id: uuid7(), text: message }));
    },
  },
};
