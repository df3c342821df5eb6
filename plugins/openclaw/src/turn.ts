// One turn of the agent: from an admitted entry to the receipt that says how it ended.
//
// Owns what is handed to OpenClaw and what its callbacks mean. Never decides who may speak.

import type { OpenClawConfig, PluginRuntime } from "openclaw/plugin-sdk/channel-core";
import type { resolveChannelInboundRouteEnvelope } from "openclaw/plugin-sdk/channel-inbound";
import { type Ack, type Entry, HubAway, untilAborted } from "../client/index.js";
import { houseRules } from "./house-rules.ts";
import { CHANNEL_ID, roomRules, type Account } from "./config.ts";
import { messageOf, outward } from "./errors.ts";
import { isAnswer, isApology, isSilence } from "./host-notices.ts";
import type { LiveAccount } from "./live.ts";
import { entryKey } from "./entry-key.ts";
import { formatTarget, replyTarget, type Target } from "./names.ts";
import { findLive, say } from "./outbound.ts";
import { toolPolicy } from "./tool-policy.ts";
import type { Member } from "./rooms.ts";
import type { Outcome } from "./turns.ts";
import type { resolveAccess } from "./access.ts";

export type Route = ReturnType<typeof resolveChannelInboundRouteEnvelope>;
export type TurnInput = {
  cfg: OpenClawConfig;
  account: Account;
  live: LiveAccount;
  runtime: PluginRuntime;
  /** The entry by which OpenClaw knows the turn: what the agent says at the end answers it. */
  entry: Entry;
  /** All entries that the agent is to answer in this turn. */
  taken: readonly Entry[];
  members: readonly Member[];
  /** What the agent reads. */
  body: string;
  route: Route;
  sessionKey: string;
  where: Target;
  peer: { kind: "direct" | "group"; id: string };
  access: Awaited<ReturnType<typeof resolveAccess>>;
  /** An answer is owed; else the agent may stay silent. */
  owed: boolean;
  /** The agent reads it, and its final text stays private. */
  quiet: boolean;
  log: (text: string) => void;
  signal: AbortSignal;
};

/** Throws as long as the agent has not taken the entry: then it may be tried again. */
export async function runTurn(input: TurnInput): Promise<Outcome> {
  const { cfg, account, live, runtime, entry, route } = input;
  const course = new Course(input);
  // OpenClaw notes a message before it asks whether the channel took it, and passes it over when it comes again.
  live.turns.mustBeWritable();
  try {
    const result = await runtime.channel.inbound.dispatch({
      cfg,
      channel: CHANNEL_ID,
      accountId: account.accountId,
      route: { agentId: route.route.agentId, dmScope: route.route.dmScope, sessionKey: input.sessionKey },
      ctxPayload: contextOf(input),
      botLoopProtection: loopFacts(input),
      delivery: {
        observeMessageSent: true,
        deliver: (payload, info) => deliver(input, course, payload, info.kind),
        onError: (error, info) => course.broke(`the ${info.kind} reply could not be sent`, error),
      },
      turnAdoptionLifecycle: course.lifecycle,
      replyPipeline: { typing: { start: async () => live.client.typing(entry.room), onStartError: () => {} } },
      replyOptions: {
        // What is private is held back by `deliver`: the tool for messages is closed.
        sourceReplyDeliveryMode: "automatic",
        disableBlockStreaming: true,
        // OpenClaw delivers what the agent says at the end. What it says before it calls a tool is said, too;
        // there it is a "preamble", in one line.
        commentaryPayloadsEnabled: true,
        onAssistantMessageStart: () => void course.unsaid(),
        onPartialReply: ({ text }) => course.hears(text ?? ""),
        onItemEvent: async ({ kind, phase, progressText }) => {
          if (kind === "preamble" && phase === "end") await sayBefore(input, course, progressText ?? "");
        },
        onToolStart: () => sayBefore(input, course, course.unsaid()),
        allowToolLifecycleWhenProgressHidden: true,
        suppressDefaultToolProgressMessages: true,
        onAgentRunStart: () => live.turns.start(entryKey(entry)),
        onAgentRunTerminalOutcome: (outcome) => {
          if (outcome === "failed") course.fail("the agent's turn failed");
        },
      },
      record: { onRecordError: (error) => input.log(`the session could not be recorded: ${messageOf(error)}`) },
    });
    await course.settled();
    if (!result.dispatched) return { state: "declined", reason: declineReason(result.admission) };
  } catch (error) {
    if (!course.adopted) throw error;
    input.log(`a turn in ${entry.room} failed: ${messageOf(error)}`);
    return { state: "failed", reason: outward(error) };
  }
  await course.stored(input.signal);
  const outcome = course.outcome();
  // A message that OpenClaw passed over was read by nobody: silence would be no answer to it.
  if (outcome.state === "done" && !course.adopted && !input.quiet) throw new Error("OpenClaw did not give the message to its agent");
  return outcome;
}

/** What has happened in a turn so far. */
class Course {
  adopted = false;
  #deferred = false;
  #failure: string | undefined;
  #heard = "";
  readonly #said = new Set<string>();
  readonly #underWay: Promise<Ack>[] = [];
  readonly #settled = Promise.withResolvers<void>();
  readonly #live: LiveAccount;
  readonly #entry: Entry;
  readonly #taken: readonly Entry[];
  readonly #log: (text: string) => void;

  constructor({ live, entry, taken, log }: TurnInput) {
    this.#live = live;
    this.#entry = entry;
    this.#taken = taken;
    this.#log = log;
  }

  readonly lifecycle = {
    admission: "exclusive" as const,
    onAdopted: () => {
      this.#live.turns.receive(this.#taken, this.#entry);
      this.adopted = true;
    },
    onDeferred: () => (this.#deferred = true),
    onAbandoned: () => this.fail("OpenClaw gave the turn up before the agent saw it"),
    onSettled: () => this.#settled.resolve(),
  };

  /** What the agent's present message is so far. */
  hears(text: string): void {
    this.#heard = text.trim();
  }

  /** Takes what the agent has written and nobody has said. */
  unsaid(): string {
    const heard = this.#heard;
    this.#heard = "";
    return heard;
  }

  /** Whether a text is said for the first time. OpenClaw may deliver at the end what was said on the way. */
  says(text: string): boolean {
    return this.#said.size < this.#said.add(text.replace(/\s+/g, " ")).size;
  }

  fail(reason: string): void {
    this.#failure ??= reason;
  }

  /** The error is for the owner's log; the receipt says only what other bots may know of it. */
  broke(what: string, error: unknown): void {
    this.#log(`${what}: ${messageOf(error)}`);
    this.fail(`${what}: ${outward(error)}`);
  }

  /** A turn that OpenClaw put behind another ends later than its dispatch. */
  async settled(): Promise<void> {
    if (this.#deferred) await this.#settled.promise;
  }

  /** An answer that is on disk only, as long as the hub is away. */
  waitFor(answer: Promise<Ack>): void {
    this.#underWay.push(answer);
  }

  /**
   * The entry counts as answered once the answer is in the room, and not before. Throws when the
   * account stops while it waits: the next start sends the answer, and ends the turn.
   */
  async stored(signal: AbortSignal): Promise<void> {
    if (this.#underWay.length === 0) return;
    const all = Promise.all(this.#underWay).then(
      () => "stored",
      (error: unknown) => this.broke("the answer was refused", error),
    );
    const stopped = untilAborted(signal).then(() => "stopped");
    if ((await Promise.race([all, stopped])) === "stopped") throw new HubAway("the account stopped before the hub had the answer");
  }

  outcome(): Outcome {
    const { turns } = this.#live;
    const replies = [this.#entry, ...this.#taken].map((it) => turns.find(entryKey(it))?.reply);
    const reply = replies.find((it) => it !== undefined);
    if (reply !== undefined) return { state: "answered", reply };
    return this.#failure === undefined ? { state: "done" } : { state: "failed", reason: this.#failure };
  }
}

type Payload = Parameters<Parameters<PluginRuntime["channel"]["inbound"]["dispatch"]>[0]["delivery"]["deliver"] & object>[0];

async function deliver(input: TurnInput, course: Course, payload: Payload, kind: string) {
  const text = (payload.text ?? "").trim();
  if (payload.isError) {
    input.log(`a turn in ${input.entry.room} failed: ${text}`);
    course.fail("the agent's turn failed; its owner's log says why");
  }
  if (isApology(text)) course.fail("the agent gave no answer");
  if (kind === "tool" || !isAnswer(payload)) return { visibleReplySent: false };
  return speak(input, course, text, kind === "final");
}

async function sayBefore(input: TurnInput, course: Course, text: string): Promise<void> {
  await speak(input, course, text.trim(), false).catch((error: unknown) => course.broke("what the agent said could not be sent", error));
}

async function speak(input: TurnInput, course: Course, text: string, final: boolean) {
  if (text === "" || isSilence(text)) return { visibleReplySent: false };
  const live = await findLive(input.account.accountId, input.signal.aborted ? undefined : input.signal);
  // The answer is private, or another bot gives it.
  if (input.quiet || input.taken.every((it) => live.requests.isPassedOn(entryKey(it)))) return { visibleReplySent: false };
  // A request waits for the text that is the last one, whether it was said before or not.
  if (!course.says(text) && !(final && input.owed)) return { visibleReplySent: true };
  const target = replyTarget(input.entry.room, live.client.bot ?? "");
  const said = await say(live, { target, text, replyTo: entryKey(input.entry), final });
  if (said.later !== undefined) course.waitFor(said.later);
  return { content: text, messageIds: [said.id], visibleReplySent: true };
}

function contextOf(input: TurnInput) {
  const { account, runtime, entry, route, peer, body, live } = input;
  const rules = roomRules(account, entry.room);
  const to = formatTarget(replyTarget(entry.room, live.client.bot ?? ""));
  const timestamp = entry.sent_at ?? Date.now();
  const { sessionKey } = input;
  const { agentId, dmScope, accountId } = route.route;
  return runtime.channel.inbound.buildContext({
    channel: CHANNEL_ID,
    accountId,
    messageId: entryKey(entry),
    messageIdFull: entryKey(entry),
    timestamp,
    from: `${CHANNEL_ID}:${to}`,
    sender: { id: entry.from, name: entry.from, isBot: true },
    conversation: { kind: peer.kind, id: peer.id, label: peer.kind === "group" ? entry.room : entry.from },
    route: { agentId, dmScope, accountId, routeSessionKey: sessionKey, dispatchSessionKey: sessionKey },
    // The room of the message, whatever the session's last route was: an answer never goes elsewhere.
    reply: { to, originatingTo: to, ...(entry.reply_to === undefined ? {} : { replyToId: entry.reply_to }) },
    message: {
      inboundEventKind: input.quiet ? "room_event" : "user_request",
      body: route.buildEnvelope({ channel: "Bot Hub", from: entry.from, timestamp, body }),
      bodyForAgent: body,
      rawBody: body,
      commandBody: body,
    },
    access: { mentions: { canDetectMention: true, wasMentioned: input.owed }, toolPolicy: toolPolicy(account, input.where) },
    channelIngress: input.access,
    extra: {
      ...(peer.kind === "group" ? { GroupSubject: entry.room } : {}),
      GroupSystemPrompt: [houseRules(live.client.bot, input.where, input.members), rules.systemPrompt ?? []].flat().join("\n"),
      CommandInterpretationSuppressed: true,
    },
  });
}

function loopFacts({ cfg, account, live, entry }: TurnInput) {
  const config = { ...account.loopGuard, ...roomRules(account, entry.room).loopGuard };
  const defaultsConfig = cfg.channels?.defaults?.botLoopProtection;
  return {
    scopeId: `${CHANNEL_ID}:${account.accountId}`,
    conversationId: entry.room,
    senderId: entry.from,
    receiverId: live.client.bot ?? account.accountId,
    eventId: entry.id,
    config,
    ...(defaultsConfig === undefined ? {} : { defaultsConfig }),
    defaultEnabled: true,
  };
}

function declineReason(admission: { kind: string; reason?: string }): string {
  const reason = admission.reason ?? admission.kind;
  if (/loop/i.test(reason)) return "loop guard: these two bots have been answering each other too fast";
  return reason;
}
