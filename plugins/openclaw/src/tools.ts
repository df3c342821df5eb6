// What the agent can do at the hub beside answering.
//
// Owns the tools' texts and parameters; the work is done by the running account. The agent writes
// plain language, never a block.

import type { OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { FIRST_DEPTH, isExhausted, loadBlocks, nextDepth, type Blocks } from "./blocks.ts";
import { age, shortened } from "./briefing.ts";
import { isTyping, liveAccounts, type LiveAccount } from "./live.ts";
import { directRoom, parseTarget, readName, readRoom, type Target } from "./names.ts";
import { say } from "./outbound.ts";
import type { ToolName } from "./tool-names.ts";
import { messageOf } from "./turn.ts";
import type { Incoming } from "./requests.ts";
import { LOADED_VERSION, versionMismatch } from "./version.ts";

type Params = Record<string, unknown>;
type Context = { live: LiveAccount; sessionKey: string | undefined; signal: AbortSignal };
type Tool = {
  name: ToolName;
  description: string;
  properties: Record<string, { type: "string" | "number"; description: string }>;
  required?: string[];
  run(params: Params, context: Context): Promise<unknown>;
};

const WAIT_SECONDS = 120;
const WAIT_SECONDS_MAX = 600;

export const TOOLS: readonly Tool[] = [
  {
    name: "bot_hub_rooms",
    description: "List the Bot Hub rooms of this agent, who belongs to each, and who is there or busy.",
    properties: {},
    async run(_, { live }) {
      const { rooms } = await live.client.ask({ type: "rooms" });
      const mine = rooms.filter((it) => it.member).map(async ({ room }) => {
        const { bots } = await live.client.ask({ type: "who", room });
        return { room, bots: bots.map(({ bot, state, note }) => present(live, room, bot, state, note)) };
      });
      return { me: live.client.bot, rooms: await Promise.all(mine) };
    },
  },
  {
    name: "bot_hub_history",
    description: "Read what was said last in a Bot Hub room.",
    properties: {
      room: { type: "string", description: "the room" },
      limit: { type: "number", description: "how many messages, 20 if not given" },
    },
    required: ["room"],
    async run(params, { live }) {
      const room = readRoom(text(params, "room")) ?? "";
      const limit = Math.min(Number(params["limit"]) || 20, 100);
      const page = await live.client.ask({ type: "history", room, limit });
      return page.entries.map((it) => ({ from: it.from, when: age(it.age_ms ?? 0), text: shortened(it.text, 1000), id: it.id }));
    },
  },
  {
    name: "bot_hub_ask",
    description: "Ask another bot to do something and wait for its answer. Write the task in plain language.",
    properties: {
      bot: { type: "string", description: "whom to ask" },
      task: { type: "string", description: "what it should do" },
      context: { type: "string", description: "what it has to know" },
      room: { type: "string", description: "the room to ask in; a direct message if not given" },
      wait_seconds: { type: "number", description: `how long to wait, ${WAIT_SECONDS} if not given; 0 does not wait` },
    },
    required: ["bot", "task"],
    run: ask,
  },
  {
    name: "bot_hub_clarify",
    description: "Ask back about a request of another bot before doing it. End your turn after this.",
    properties: { question: { type: "string", description: "what you need to know" }, room: { type: "string", description: "the room of the request" } },
    required: ["question"],
    async run(params, context) {
      const { request, blocks, me } = answering(params, context);
      const { requestId, replyTo: to, depth } = request;
      const block = blocks.buildClarify({ from: me, to, requestId, question: text(params, "question"), depth: nextDepth(depth) });
      context.live.requests.clarify(request);
      const said = await say(context.live, { target: { kind: "room", room: request.room }, text: block, replyTo: request.entry, raw: true });
      return { sent: said.id, note: "the answer will arrive as a message" };
    },
  },
  {
    name: "bot_hub_handoff",
    description: "Pass a request of another bot on to a third bot, which answers in your place. End your turn after this.",
    properties: {
      bot: { type: "string", description: "who should do it" },
      task: { type: "string", description: "the task, if it is not the same" },
      context: { type: "string", description: "what it has to know" },
      room: { type: "string", description: "the room of the request" },
    },
    required: ["bot"],
    async run(params, context) {
      const { request, blocks, me } = answering(params, context);
      const { requestId, replyTo: callback, depth } = request;
      const [to, task] = [botName(params), typeof params["task"] === "string" ? params["task"] : request.task];
      const background = typeof params["context"] === "string" ? { context: params["context"] } : {};
      const block = blocks.buildHandoff({ from: me, to, requestId, task, callback, depth: nextDepth(depth), ...background });
      const said = await say(context.live, { target: { kind: "room", room: request.room }, text: block, replyTo: request.entry, raw: true });
      context.live.requests.handOver(request);
      return { sent: said.id, note: `${to} answers ${callback} in your place` };
    },
  },
  {
    name: "bot_hub_status",
    description: "What became of a message that this agent sent: who received it, who is working on it, who answered.",
    properties: { id: { type: "string", description: "the message's id" } },
    required: ["id"],
    run: (params, { live }) => live.client.ask({ type: "status", id: text(params, "id") }),
  },
];

function present(live: LiveAccount, room: string, bot: string, state: string, note: string | undefined) {
  return { bot, state: isTyping(live, room, bot) ? "writing" : state, ...(note === undefined ? {} : { note }) };
}

async function ask(params: Params, context: Context): Promise<unknown> {
  const { live, signal } = context;
  const me = live.client.bot ?? "";
  const [bot, task] = [botName(params), text(params, "task")];
  const room = typeof params["room"] === "string" ? readRoom(params["room"].replace(/^(room:|#)/, "")) : undefined;
  const target: Target = room === undefined ? { kind: "bot", bot } : { kind: "room", room };
  const blocks = needBlocks();
  const cause = currentRequest(params, context);
  if (cause !== undefined && isExhausted(cause.depth)) {
    throw new Error("this conversation has gone as many steps as it may; answer with what you have");
  }
  const depth = cause === undefined ? FIRST_DEPTH : nextDepth(cause.depth);
  const requestId = blocks.generateRequestId(me);
  const background = typeof params["context"] === "string" ? { context: params["context"] } : {};
  const block = blocks.buildRequest({ from: me, to: bot, requestId, task, depth, ...background });
  live.requests.ask({ requestId, to: bot, room: room ?? directRoom(me, bot), task, depth, at: Date.now() });
  const seconds = Math.min(Number(params["wait_seconds"] ?? WAIT_SECONDS) || 0, WAIT_SECONDS_MAX);
  const waiting = live.requests.wait(requestId, AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]));
  const said = await say(live, { target, text: block, raw: true });
  const answer = seconds > 0 ? await waiting : undefined;
  if (answer !== undefined) return { answer, request: said.id };
  return { request: said.id, note: "there is no answer yet; it will arrive as a message, or ask bot_hub_status" };
}

/** The request that the agent is working on: the one of its session's room, or of the named one. */
function currentRequest(params: Params, { live, sessionKey }: Context): Incoming | undefined {
  const me = live.client.bot ?? "";
  const named = typeof params["room"] === "string" ? parseTarget(params["room"]) : undefined;
  const open = live.requests.open.incoming.filter((it) => !it.clarifying);
  const ofSession = open.findLast((it) => sessionKey?.endsWith(`:${it.room}`) || sessionKey?.endsWith(`:${peer(it.room, me)}`));
  if (ofSession !== undefined) return ofSession;
  return named?.kind === "room" ? live.requests.openIn(named.room) : undefined;
}

function peer(room: string, me: string): string {
  return room.split(":").find((it) => it !== "dm" && it !== me) ?? room;
}

function answering(params: Params, context: Context) {
  const request = currentRequest(params, context) ?? context.live.requests.open.incoming.findLast((it) => !it.clarifying);
  if (request === undefined) throw new Error("there is no open request of another bot");
  if (isExhausted(request.depth)) throw new Error("this conversation has gone as many steps as it may; answer with what you have");
  return { request, blocks: needBlocks(), me: context.live.client.bot ?? "" };
}

function needBlocks(): Blocks {
  const blocks = loadBlocks();
  if (blocks === null) throw new Error("this installation lacks `bot-protocol`; hint: reinstall `@bot-hub/openclaw`");
  return blocks;
}

function text(params: Params, name: string): string {
  const value = params[name];
  if (typeof value !== "string" || value.trim() === "") throw new Error(`\`${name}\` is missing`);
  return value;
}

function botName(params: Params): string {
  const raw = text(params, "bot");
  const name = readName(raw.replace(/^(bot:|@)/i, ""));
  if (name === undefined) throw new Error(`\`${raw}\` is not the name of a bot`);
  return name;
}

export function registerTools(api: OpenClawPluginApi): void {
  for (const tool of TOOLS) {
    const { name, description, properties, required = [] } = tool;
    const parameters = { type: "object" as const, properties, required, additionalProperties: false };
    api.registerTool(
      (context) => ({
        name,
        label: name.replaceAll("_", " "),
        description,
        parameters,
        async execute(_id: string, params: unknown, signal?: AbortSignal) {
          const live = liveOf(context.agentAccountId);
          const own = { live, sessionKey: context.sessionKey, signal: signal ?? new AbortController().signal };
          const details = await tool.run((params ?? {}) as Params, own).catch((error: unknown) => ({ error: messageOf(error) }));
          return { content: [{ type: "text" as const, text: JSON.stringify(details) }], details };
        },
      }),
      { name },
    );
  }
  api.registerGatewayMethod(
    "bothub.status",
    async ({ respond }) => {
      const accounts = [...liveAccounts].map(([id, { client, turns, requests, version }]) => ({
        id, version, bot: client.bot, connected: client.connected, unsent: client.unsent,
        rooms: [...client.rooms.keys()], openTurns: turns.open, openRequests: requests.open,
      }));
      respond(true, { plugin: LOADED_VERSION, mismatch: versionMismatch() ?? null, accounts });
    },
    { scope: "operator.read" },
  );
}

/** The account of the turn; where OpenClaw does not say, the only one there is. */
function liveOf(accountId: string | undefined): LiveAccount {
  const named = accountId === undefined ? undefined : liveAccounts.get(accountId);
  const live = named ?? (liveAccounts.size === 1 ? [...liveAccounts.values()][0] : undefined);
  if (live === undefined) throw new Error("the Bot Hub account of this agent does not run");
  return live;
}
