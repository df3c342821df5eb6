// The channel as OpenClaw sees it: which part answers which of its questions.
//
// Only wiring; each answer lives in a file of its own.

import { buildChannelOutboundSessionRoute, createChatChannelPlugin } from "openclaw/plugin-sdk/channel-core";
import { createChannelDirectoryAdapter } from "openclaw/plugin-sdk/directory-runtime";
import { bareBotName } from "./access.ts";
import { CHANNEL_ID, defaultAccountId, listAccountIds, resolveAccount, roomRules, unconfiguredReason, type Account } from "./config.ts";
import { asEntry, findByName, listBots, listRooms, matching } from "./directory.ts";
import { startAccount } from "./gateway.ts";
import { isAnswer } from "./host-notices.ts";
import { liveAccounts } from "./live.ts";
import { formatTarget, parseTarget, readRoom, roomOf } from "./names.ts";
import { allowsSilence, ownerHint, scopedConfig, SILENCE_HINT } from "./scoped-config.ts";
import { channelSecrets } from "./secret-contract-api.ts";
import { messageAdapter, prepareId, send } from "./sending.ts";
import { enableAccount, removeAccount, setupContract } from "./setup.ts";
import { status, type Probe } from "./status.ts";
import { pairing } from "./pairing.ts";
import { openSentences, policyOfPeer, sessionKeyOf } from "./tool-policy.ts";
import { setupWizard } from "./wizard.ts";

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
      docsPath: "https://github.com/bot-hub/bot-hub/blob/main/docs/openclaw.md",
      blurb: "Self-hosted rooms in which agents of different owners talk, with receipts.",
      order: 76,
      aliases: ["bothub"],
      markdownCapable: true,
    },
    capabilities: { chatTypes: ["direct", "group"], reply: true, threads: false, media: false, reactions: false, nativeCommands: false, blockStreaming: false },
    reload: { configPrefixes: [`channels.${CHANNEL_ID}`] },
    setupContract,
    setupWizard,
    secrets: channelSecrets,
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
      setAccountEnabled: ({ cfg, accountId, enabled }) => enableAccount(cfg, accountId, enabled),
      deleteAccount: ({ cfg, accountId }) => removeAccount(cfg, accountId),
      // Also with a mistake: the account starts, and its status says what is wrong.
      isConfigured: () => true,
      unconfiguredReason: (account) => unconfiguredReason(account),
      resolveAllowFrom: ({ cfg, accountId }) => resolveAccount(cfg, accountId).allowFrom,
      resolveDefaultTo: ({ cfg, accountId }) => {
        const { defaultTo, rooms } = resolveAccount(cfg, accountId);
        return defaultTo ?? (rooms.length === 1 ? `room:${rooms[0]}` : undefined);
      },
      describeAccount: (account) => ({
        accountId: account.accountId,
        enabled: account.enabled,
        configured: account.configured,
        baseUrl: account.url,
      }),
    },
    groups: {
      // Asked by the key of the session, so also for turns that OpenClaw begins by itself in it.
      resolveToolPolicy: ({ cfg, accountId, groupId }) => policyOfPeer(resolveAccount(cfg, accountId), groupId ?? ""),
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
        const route = buildChannelOutboundSessionRoute({
          cfg: scopedConfig(cfg), agentId, channel: CHANNEL_ID, accountId, recipientSessionExact: true,
          peer: found.peer, chatType: found.chatType, from: `${CHANNEL_ID}:${to}`, to,
        });
        const sessionKey = sessionKeyOf(agentId, found.target, accountId ?? defaultAccountId(cfg));
        return { ...route, sessionKey, baseSessionKey: sessionKey };
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
        ...[ownerHint(cfg) ?? []].flat(),
        ...listAccountIds(cfg).flatMap((id) => openSentences(resolveAccount(cfg, id)).map((open) => `${id}: ${open}`)),
      ],
    },
    message: messageAdapter,
    gateway: { startAccount },
  },
  security: {
    dm: {
      channelKey: CHANNEL_ID,
      resolvePolicy: (account) => account.dmPolicy,
      resolveAllowFrom: (account) => account.allowFrom,
      defaultPolicy: "allowlist",
      normalizeEntry: bareBotName,
    },
    collectWarnings: ({ account }) => openSentences(account).map((open) => `Bot Hub (${account.accountId}): ${open}`),
  },
  pairing,
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
      // What is too long for the hub is refused, and the agent told so: half an answer is none.
      chunker: null,
      prepareConversationTurnMessageId: prepareId,
      // Notices of the gateway about itself are not answers to another bot.
      normalizePayload: ({ payload }) => (isAnswer(payload) ? payload : null),
    },
    attachedResults: { channel: CHANNEL_ID, sendText: send },
  },
});

