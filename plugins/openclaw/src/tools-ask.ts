// Requests between bots, as the agent makes them: plain words in, the answer out.
//
// The blocks, their ids and their depth are built here, and nowhere in the agent's text.

import { pause } from "../client/index.js";
import { FIRST_DEPTH, isExhausted, loadBlocks, nextDepth, type Blocks } from "./blocks.ts";
import type { LiveAccount } from "./live.ts";
import { directRoom, roomOf, type Target } from "./names.ts";
import { readEntryKey } from "./entry-key.ts";
import { say, sayResponse } from "./outbound.ts";
import type { Incoming } from "./requests.ts";
import { theirsInJson, theirsInline } from "./theirs.ts";
import { conversationOfSession } from "./tool-policy.ts";
import { UNTRUSTED } from "./tools-look.ts";
import { botName, optionalRoom, optionalText, text, type Params, type Tool, type ToolContext } from "./tool.ts";

const WAIT_SECONDS = 120;
const WAIT_SECONDS_MAX = 600;
const EXHAUSTED = "this conversation has gone as many steps as it may; answer with what you have";

export const ASK_TOOLS: readonly Tool[] = [
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
    name: "bot_hub_answer",
    description: "Answer one of several requests that wait in this conversation. With a single request simply answer.",
    properties: {
      id: { type: "string", description: "the id of the message with the request" },
      text: { type: "string", description: "the answer" },
      failed: { type: "string", description: "in place of text: why it cannot be done" },
    },
    required: ["id"],
    run: answer,
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
      const [to, task] = [botName(params), optionalText(params, "task") ?? request.task];
      await mustBeIn(context.live, request.room, to, "ask it yourself with `bot_hub_ask`");
      const block = blocks.buildHandoff({ from: me, to, requestId, task, callback, depth: nextDepth(depth), ...background(params) });
      const said = await say(context.live, { target: { kind: "room", room: request.room }, text: block, replyTo: request.entry, raw: true });
      context.live.requests.handOver(request);
      return { sent: said.id, note: `${to} answers ${callback} in your place` };
    },
  },
];

/** Each request has the end that is said about it, under its own id. */
async function answer(params: Params, { live, sessionKey }: ToolContext): Promise<unknown> {
  const id = text(params, "id");
  const room = roomOfSession(live, sessionKey);
  const waiting = open(live).filter((it) => room === undefined || it.room === room);
  const request = waiting.find((it) => (readEntryKey(it.entry)?.id ?? it.entry) === id || it.requestId === id);
  if (request === undefined) {
    const ids = waiting.map((it) => `\`${readEntryKey(it.entry)?.id ?? it.entry}\``).join(", ");
    throw new Error(`no request waits under \`${id}\`; hint: ${ids === "" ? "none waits here" : `these wait: ${ids}`}`);
  }
  const failed = optionalText(params, "failed");
  const said = await sayResponse(live, request, failed ?? text(params, "text"), failed === undefined ? "done" : "failed");
  return { sent: said.id };
}

async function ask(params: Params, context: ToolContext): Promise<unknown> {
  const { live, signal } = context;
  const me = live.client.bot ?? "";
  const [bot, task, room] = [botName(params), text(params, "task"), optionalRoom(params)];
  if (bot === me) throw new Error(`\`${bot}\` is this agent itself`);
  if (room !== undefined) await mustBeIn(live, room, bot, "leave `room` out to ask directly");
  const cause = currentRequest(context);
  if (cause !== undefined && isExhausted(cause.depth)) throw new Error(EXHAUSTED);
  const blocks = needBlocks();
  const depth = cause === undefined ? FIRST_DEPTH : nextDepth(cause.depth);
  const requestId = blocks.generateRequestId(me);
  const block = blocks.buildRequest({ from: me, to: bot, requestId, task, depth, ...background(params) });
  const request = { requestId, to: bot, room: room ?? directRoom(me, bot), task, depth, at: Date.now() };
  live.requests.ask(request);
  const seconds = Math.min(Number(params["wait_seconds"] ?? WAIT_SECONDS) || 0, WAIT_SECONDS_MAX);
  const waiting = live.requests.wait(requestId, AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]));
  const target: Target = room === undefined ? { kind: "bot", bot } : { kind: "room", room };
  const said = await say(live, { target, text: block, raw: true }).catch((error: unknown) => {
    live.requests.withdraw(requestId);
    throw error;
  });
  const ended = new AbortController();
  const end = untilGivenUp(live, said.id, bot, AbortSignal.any([signal, ended.signal]));
  const first = await Promise.race([waiting, end]);
  if (typeof first === "string") {
    live.requests.withdraw(requestId);
    return { request: said.id, error: first };
  }
  ended.abort();
  const { parts, isWhole } = first;
  const answer = parts.length > 0 ? { answer: theirsInJson(parts.join("\n\n")), about: UNTRUSTED } : {};
  if (isWhole) return { ...answer, request: said.id };
  const missing = parts.length > 0 ? "the rest of the answer is not here yet" : "there is no answer yet";
  return { ...answer, request: said.id, note: `${missing}; it will arrive as a message, or ask bot_hub_status` };
}

/** So often the hub is asked what became of a request, while its answer is waited for. */
const LOOK_MS = 1_500;
const GIVEN_UP: ReadonlySet<string> = new Set(["declined", "failed", "expired", "dropped", "dead"]);

/** A sentence as soon as a receipt says that nobody will answer. */
async function untilGivenUp(live: LiveAccount, id: string, bot: string, signal: AbortSignal): Promise<string> {
  for (let failedAt: number | undefined; !signal.aborted; await pause(LOOK_MS, signal)) {
    const report = await live.client.ask({ type: "status", id }).catch(() => undefined);
    const found = report?.recipients?.find((it) => it.bot === bot);
    if (found === undefined || !GIVEN_UP.has(found.state)) continue;
    // With its failure a bot also answers; that answer says more, and is under way.
    if (found.state === "failed" && failedAt === undefined) {
      failedAt = Date.now();
      continue;
    }
    const reason = found.steps?.at(-1)?.reason;
    return `${bot} will not answer: ${found.state}${reason === undefined ? "" : `, with the reason ${theirsInline(reason)}`}`;
  }
  return new Promise<never>(() => {});
}

/** A request to somebody who is not there would be a message that nobody answers. */
async function mustBeIn(live: LiveAccount, room: string, bot: string, hint: string): Promise<void> {
  const { bots } = await live.client.ask({ type: "who", room });
  if (bots.some((it) => it.bot === bot)) return;
  throw new Error(`\`${bot}\` does not belong to the room \`${room}\`; hint: ${hint}`);
}

function background(params: Params): { context?: string } {
  const context = optionalText(params, "context");
  return context === undefined ? {} : { context };
}

/** The request that the turn of this session works on. */
export function currentRequest({ live, sessionKey }: Pick<ToolContext, "live" | "sessionKey">): Incoming | undefined {
  const room = roomOfSession(live, sessionKey);
  return open(live).findLast((it) => live.turns.find(it.entry) !== undefined && it.room === room);
}

function roomOfSession(live: LiveAccount, sessionKey: string | undefined): string | undefined {
  const where = conversationOfSession(sessionKey);
  return where === undefined ? undefined : roomOf(where, live.client.bot ?? "");
}

/** The request that is meant: never a guess among several. */
function answering(params: Params, context: ToolContext) {
  const room = optionalRoom(params);
  const others = open(context.live).filter((it) => room === undefined || it.room === room);
  if (others.length === 0) throw new Error("there is no open request of another bot");
  const request = currentRequest(context) ?? (room !== undefined || others.length === 1 ? others.at(-1) : undefined);
  if (request === undefined) throw new Error("several requests are open; hint: name the `room` of the one that you mean");
  if (isExhausted(request.depth)) throw new Error(EXHAUSTED);
  return { request, blocks: needBlocks(), me: context.live.client.bot ?? "" };
}

function open(live: LiveAccount): readonly Incoming[] {
  return live.requests.open.incoming.filter((it) => !it.clarifying);
}

function needBlocks(): Blocks {
  const blocks = loadBlocks();
  if (blocks === null) throw new Error("this installation lacks `bot-protocol`; hint: install its package again");
  return blocks;
}
