// The channel as OpenClaw sees it: which part answers which of its questions.
//
// Only wiring; each answer lives in a file of its own.

import { buildChannelOutboundSessionRoute, createChatChannelPlugin } from "openclaw/plugin-sdk/channel-core";
import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { createMessageReceiptFromOutboundResults, defineChannelMessageAdapter } from "openclaw/plugin-sdk/channel-outbound";
import { createSimpleChannelSecretContract } from "openclaw/plugin-sdk/channel-secret-basic-runtime";
import { createChannelDirectoryAdapter } from "openclaw/plugin-sdk/directory-runtime";
import { HubRefusal } from "./asks.ts";
import { CHANNEL_ID, defaultAccountId, listAccountIds, resolveAccount, roomRules, unconfiguredReason, type Account } from "./config.ts";
import { asEntry, findByName, listBots, listRooms, matching } from "./directory.ts";
import { startAccount } from "./gateway.ts";
import { isAnswer } from "./host-notices.ts";
import { liveAccounts } from "./live.ts";
import { formatTarget, parseTarget, readRoom, roomOf } from "./names.ts";
import { findLive, readTarget, say } from "./outbound.ts";
import { allowsSilence, scopedConfig, SILENCE_HINT } from "./scoped-config.ts";
import { setupContract } from "./setup.ts";
import { status, type Probe } from "./status.ts";
import { setupWizard } from "./wizard.ts";
import { messageOf } from "./turn.ts";
import { stableId, uuid7 } from "./uuid.ts";

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

async function send(sending: Sending) {
  const target = readTarget(sending.to);
  const live = await findLive(resolveAccount(sending.cfg, sending.accountId).accountId, sending.signal);
  await sending.onPlatformSendDispatch?.();
  sending.assertDirectAdapterHandoff?.();
  const replyTo = sending.replyToId ?? undefined;
  const said = await say(live, { target, text: sending.text, replyTo, id: idOf(sending) });
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

const message = defineChannelMessageAdapter({
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

const normalizeTarget = (raw: string) => {
  const target = parseTarget(raw);
  return target === undefined ? undefined : formatTarget(target);
};

/** The peer of a target: a room, or the bot of a direct conversation. */
function peerOf(raw: string) {
  const target = parseTarget(raw);
  if (target === undefined) return undefined;
  const peer = target.kind === "room" ? { kind: "group" as const, id: target.room } : { kind: "direct" as const, id: target.bot };
  return { target, peer, chatType: peer.kind };
}

export const botHubPlugin = createChatChannelPlugin<Account, Probe>({
  base: {
    id: CHANNEL_ID,
    meta: {
      id: CHANNEL_ID,
      label: "Bot Hub",
      selectionLabel: "Bot Hub (rooms for bots)",
      docsPath: "/channels/bot-hub",
      blurb: "Self-hosted rooms in which agents of different owners talk, with receipts.",
      order: 76,
      aliases: ["bothub"],
      markdownCapable: true,
    },
    capabilities: { chatTypes: ["direct", "group"], reply: true, threads: false, media: false, reactions: false, nativeCommands: false, blockStreaming: false },
    reload: { configPrefixes: [`channels.${CHANNEL_ID}`] },
    setupContract,
    setupWizard,
    secrets: createSimpleChannelSecretContract({
      channelKey: CHANNEL_ID,
      label: "Bot Hub",
      accountFields: ["token"],
      channelFields: ["token"],
      mode: "account-inheritance",
    }),
    config: {
      listAccountIds: (cfg) => listAccountIds(cfg),
      resolveAccount: (cfg, id) => resolveAccount(cfg, id),
      // The whole account: `openclaw security audit` hands this to the adapters below.
      inspectAccount: (cfg, id) => {
        const account = resolveAccount(cfg, id);
        return { ...account, tokenStatus: account.token.kind === "value" ? "available" : "missing", baseUrl: account.url };
      },
      defaultAccountId: (cfg) => defaultAccountId(cfg),
      isEnabled: (account) => account.enabled,
      // Also with a mistake: the account starts, and its status says what is wrong.
      isConfigured: () => true,
      unconfiguredReason: (account) => unconfiguredReason(account),
      resolveAllowFrom: ({ cfg, accountId }) => resolveAccount(cfg, accountId).allowFrom,
      resolveDefaultTo: ({ cfg, accountId }) => {
        const { rooms } = resolveAccount(cfg, accountId);
        return rooms.length === 1 ? `room:${rooms[0]}` : undefined;
      },
      describeAccount: (account) => ({
        accountId: account.accountId,
        enabled: account.enabled,
        configured: account.configured,
        baseUrl: account.url,
      }),
    },
    groups: {
      resolveToolPolicy: ({ cfg, accountId, groupId }) => {
        const room = readRoom((groupId ?? "").replace(/^room:/, "")) ?? "*";
        return roomRules(resolveAccount(cfg, accountId), room).tools;
      },
      resolveRequireMention: ({ cfg, accountId, groupId }) => {
        const room = readRoom((groupId ?? "").replace(/^room:/, "")) ?? "*";
        return roomRules(resolveAccount(cfg, accountId), room).requireMention ?? false;
      },
    },
    mentions: { stripPatterns: () => ["@[\\w.-]+"] },
    messaging: {
      targetPrefixes: ["bot-hub", "bothub"],
      normalizeTarget,
      inferTargetChatType: ({ to }) => peerOf(to)?.chatType ?? "group",
      targetResolver: {
        looksLikeId: (raw) => parseTarget(raw) !== undefined,
        hint: "<room:name|bot:name>",
        resolveTarget: async ({ cfg, accountId, input }) => {
          const target = await findByName(resolveAccount(cfg, accountId), input).catch(() => undefined);
          if (target === undefined) return null;
          const kind = target.kind === "room" ? ("group" as const) : ("user" as const);
          return { to: formatTarget(target), kind, display: input.trim(), source: "directory" };
        },
      },
      resolveOutboundSessionRoute: ({ cfg, agentId, accountId, target }) => {
        const found = peerOf(target);
        if (found === undefined) return null;
        const to = formatTarget(found.target);
        const scoped = scopedConfig(cfg);
        return buildChannelOutboundSessionRoute({
          cfg: scoped, agentId, channel: CHANNEL_ID, accountId, recipientSessionExact: true,
          peer: found.peer, chatType: found.chatType, from: `${CHANNEL_ID}:${to}`, to,
        });
      },
      formatTargetDisplay: ({ target }) => target.replace(/^room:/, "#").replace(/^bot:/, "@"),
    },
    directory: createChannelDirectoryAdapter({
      self: async ({ cfg, accountId }) => {
        const bot = liveAccounts.get(resolveAccount(cfg, accountId).accountId)?.client.bot;
        return bot === undefined ? null : { kind: "user", id: `bot:${bot}`, name: bot };
      },
      listGroups: async ({ cfg, accountId, query, limit }) =>
        matching(await listRooms(resolveAccount(cfg, accountId)), query, limit).map(asEntry),
      listPeers: async ({ cfg, accountId, query, limit }) =>
        matching(await listBots(resolveAccount(cfg, accountId)), query, limit).map(asEntry),
      listGroupMembers: async ({ cfg, accountId, groupId }) => {
        const room = readRoom(groupId.replace(/^room:/, ""));
        return (await listBots(resolveAccount(cfg, accountId), room)).map(asEntry);
      },
    }),
    agentPrompt: {
      messageToolHints: () => [
        "bot-hub targets: `room:<name>` for a room, `bot:<name>` for a direct message to a bot. Write plain language; requests between bots are made with the tool `bot_hub_ask`.",
      ],
      inboundFormattingHints: () => ({ text_markup: "markdown", rules: ["Keep answers short; the reader is another bot."] }),
    },
    heartbeat: {
      sendTyping: ({ cfg, to, accountId }) => {
        const live = liveAccounts.get(resolveAccount(cfg, accountId).accountId);
        const target = parseTarget(to);
        if (live?.client.bot !== undefined && target !== undefined) live.client.typing(roomOf(target, live.client.bot));
      },
    },
    status,
    doctor: {
      groupModel: "sender",
      dmAllowFromMode: "topOrNested",
      groupAllowFromFallbackToAllowFrom: true,
      collectPreviewWarnings: ({ cfg }) => [
        ...listAccountIds(cfg).flatMap((id) => resolveAccount(cfg, id).problems.map((problem) => `${id}: ${problem}`)),
        ...(allowsSilence(cfg) ? [] : [SILENCE_HINT]),
      ],
    },
    message,
    gateway: { startAccount },
  },
  security: {
    dm: {
      channelKey: CHANNEL_ID,
      resolvePolicy: (account) => account.dmPolicy,
      resolveAllowFrom: (account) => account.allowFrom,
      defaultPolicy: "allowlist",
      normalizeEntry: (raw) => raw.trim().toLowerCase().replace(/^(bot:|@)/, ""),
    },
  },
  // What core sends later by itself (queued and recovered turns) keeps the message that it answers.
  threading: {
    resolveReplyToMode: () => "all",
    resolveReplyTransport: ({ replyToId, currentMessageId, threadId }) => ({
      replyToId: replyToId ?? (currentMessageId === undefined ? null : String(currentMessageId)),
      threadId: threadId ?? null,
    }),
  },
  outbound: {
    base: {
      deliveryMode: "gateway",
      textChunkLimit: 32_000,
      chunker: null,
      prepareConversationTurnMessageId: () => uuid7(),
      // Notices of the gateway about itself are not answers to another bot.
      normalizePayload: ({ payload }) => (isAnswer(payload) ? payload : null),
    },
    attachedResults: { channel: CHANNEL_ID, sendText: async (sending) => send(sending) },
  },
});

