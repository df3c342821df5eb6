// What OpenClaw calls when something is to be sent, whoever asked for it.
//
// Owns ids that stay the same over a crash, and the answer to "did it arrive?". Words, rooms and
// requests are `outbound`'s.

import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { createMessageReceiptFromOutboundResults, defineChannelMessageAdapter } from "openclaw/plugin-sdk/channel-outbound";
import { HubRefusal, stableId, uuid7 } from "../client/index.js";
import { sessionOf } from "./claims.ts";
import { CHANNEL_ID, resolveAccount } from "./config.ts";
import { messageOf } from "./errors.ts";
import { findLive, readTarget, say } from "./outbound.ts";

/** For a message whose answer OpenClaw waits for. */
export const prepareId = () => uuid7();

type Sending = {
  cfg: OpenClawConfig;
  to: string;
  text: string;
  accountId?: string | null;
  replyToId?: string | null;
  preparedMessageId?: string;
  deliveryQueueId?: string;
  deliveryPartIndex?: number;
  signal?: AbortSignal;
  onPlatformSendDispatch?: () => Promise<void>;
  assertDirectAdapterHandoff?: () => void;
};

/** The id of a sending that OpenClaw may repeat after a crash is the same each time. */
function idOf({ preparedMessageId, deliveryQueueId, deliveryPartIndex }: Sending): string {
  if (preparedMessageId !== undefined) return preparedMessageId;
  return deliveryQueueId === undefined ? uuid7() : stableId(deliveryQueueId, deliveryPartIndex ?? 0);
}

export async function send(sending: Sending) {
  const target = readTarget(sending.to);
  const live = await findLive(resolveAccount(sending.cfg, sending.accountId).accountId, sending.signal);
  await sending.onPlatformSendDispatch?.();
  sending.assertDirectAdapterHandoff?.();
  const replyTo = sending.replyToId ?? undefined;
  const said = await say(live, { target, text: sending.text, replyTo, id: idOf(sending), sessionKey: sessionOf(sending.to, sending.text) });
  return { messageId: said.id, conversationId: said.room, to: said.to };
}

type Unknown = { cfg: OpenClawConfig; queueId: string; accountId?: string | null; replyToId?: string | null; effectiveReplyToId?: string | null };

/** OpenClaw crashed in the middle of a sending and asks whether it arrived: the hub knows. */
async function reconcile({ cfg, queueId, accountId, replyToId, effectiveReplyToId }: Unknown) {
  const live = await findLive(resolveAccount(cfg, accountId).accountId);
  await live.client.ready();
  const answered = live.turns.answerOf(effectiveReplyToId ?? replyToId ?? "");
  const id = answered ?? stableId(queueId, 0);
  try {
    const { room } = await live.client.ask({ type: "status", id });
    const results = [{ channel: CHANNEL_ID, messageId: id, conversationId: room }];
    return { status: "sent" as const, messageId: id, receipt: createMessageReceiptFromOutboundResults({ results, kind: "text" as const }) };
  } catch (error) {
    if (error instanceof HubRefusal) return { status: "not_sent" as const };
    return { status: "unresolved" as const, error: messageOf(error), retryable: true };
  }
}

export const messageAdapter = defineChannelMessageAdapter({
  id: CHANNEL_ID,
  durableFinal: {
    capabilities: { text: true, replyTo: true, messageSendingHooks: true, reconcileUnknownSend: true },
    automaticUnknownSendReconciliation: true,
    reconcileUnknownSendKinds: { text: true },
    reconcileUnknownSend: (unknown) => reconcile(unknown),
  },
  send: {
    text: async (sending) => {
      const { messageId, conversationId } = await send(sending);
      const results = [{ channel: CHANNEL_ID, messageId, conversationId }];
      const replyTo = sending.replyToId ? { replyToId: sending.replyToId } : {};
      return { messageId, receipt: createMessageReceiptFromOutboundResults({ results, kind: "text", ...replyTo }) };
    },
  },
});
