// The one way by which anything leaves: answers, tools, cron, the command line, recovered turns.
//
// Owns ids, what a message answers, and that the answer to a request leaves as a RESPONSE. Never
// decides whether something should be said.

import { PlatformMessageNotDispatchedError } from "openclaw/plugin-sdk/error-runtime";
import { type Ack, type Draft, HubRefusal, pause, splitText, stableId, uuid7 } from "../client/index.js";
import { loadBlocks, nextDepth, type BlockStatus } from "./blocks.ts";
import { liveAccounts, remember, type LiveAccount } from "./live.ts";
import { formatTarget, parseTarget, replyTarget, roomOf, type Target } from "./names.ts";
import { entryKey, readEntryKey } from "./entry-key.ts";
import type { Incoming } from "./requests.ts";
import { conversationOfSession } from "./tool-policy.ts";

export type Saying = {
  target: Target;
  text: string;
  /** The entry that it answers: its key, or the id that somebody wrote. */
  replyTo?: string | undefined;
  /** Chosen before, so that the answer to it can be awaited. */
  id?: string | undefined;
  /** Whether a request that it answers is done with it. */
  final?: boolean;
  /** Leaves as it is, whatever it answers: blocks that were built on purpose. */
  raw?: boolean;
  /** The session whose words these are, where that is known. */
  sessionKey?: string | undefined;
  /** How a request that it answers ended. */
  status?: BlockStatus;
};

export type Said = {
  id: string;
  room: string;
  to: string;
  /** The hub is away: the message is on disk, and this settles when the hub has it. */
  later?: Promise<Ack>;
};

/** An answer waits so long for the hub before it counts as queued: it is on disk and will be sent. */
const ACK_MS = 20_000;
/** A channel that restarts is back within this time. */
const RESTART_MS = 15_000;

/** The account that holds the connection in this process. */
export async function findLive(accountId: string, signal?: AbortSignal): Promise<LiveAccount> {
  const stop = signal ?? new AbortController().signal;
  for (let waited = 0; waited <= RESTART_MS && !stop.aborted; waited += 250) {
    const live = liveAccounts.get(accountId);
    if (live?.client.bot !== undefined) return live;
    if (liveAccounts.size === 0) break;
    await pause(250, stop);
  }
  const reason = `the account \`${accountId}\` is not connected to its hub`;
  throw new PlatformMessageNotDispatchedError(`bot-hub: ${reason}; hint: \`openclaw channels status\` says why`, {
    cause: new Error(reason),
    retryable: true,
  });
}

export function readTarget(raw: string): Target {
  const target = parseTarget(raw);
  if (target !== undefined) return target;
  const hint = `write \`room:${raw}\` for a room or \`bot:${raw}\` for a bot`;
  throw new PlatformMessageNotDispatchedError(`bot-hub: \`${raw}\` is neither a room nor a bot; hint: ${hint}`, {
    cause: new Error("wrong target"),
    retryable: false,
  });
}

export async function say(live: LiveAccount, saying: Saying): Promise<Said> {
  const me = live.client.bot ?? "";
  const room = roomOf(saying.target, me);
  const answered = answeredBy(live, room, saying);
  const requests = saying.raw || answered?.key === undefined ? [] : requestsOf(live, answered.key);
  const status: BlockStatus = saying.status ?? (saying.final === false ? "partial" : "done");
  const drafts = requests.length === 0
    ? inParts(live, saying, saying.text, answered?.id, saying.id)
    : requests.flatMap((request, at) => responseDrafts(live, saying, request, status, at));
  const { ack, later } = await store(live, drafts);
  for (const { id } of drafts) remember(live, id);
  if (status !== "partial") for (const request of requests) live.requests.settled(request);
  const [id, last] = [drafts[0]?.id ?? "", drafts.at(-1)?.id ?? ""];
  if (answered?.key !== undefined && (ack?.duplicate || requests.length > 1)) live.turns.reply(answered.key, last);
  const where = { id: ack?.duplicate && drafts.length === 1 ? (ack.id ?? id) : id, room: ack?.room ?? room, to: formatTarget(saying.target) };
  return later === undefined ? where : { ...where, later };
}

/** The answer to one request, whatever else its turn has to answer. */
export async function sayResponse(live: LiveAccount, request: Incoming, text: string, status: BlockStatus): Promise<Said> {
  const target = replyTarget(request.room, live.client.bot ?? "");
  const drafts = responseDrafts(live, { target, text }, request, status, 0);
  const { ack, later } = await store(live, drafts);
  for (const { id } of drafts) remember(live, id);
  live.requests.settled(request);
  const said = { id: drafts[0]?.id ?? "", room: ack?.room ?? request.room, to: formatTarget(target) };
  return later === undefined ? said : { ...said, later };
}

/** The entry that something answers, if it answers one of this room. */
function answeredBy(live: LiveAccount, room: string, saying: Saying): { key?: string; id: string } | undefined {
  if (saying.replyTo !== undefined) {
    const read = readEntryKey(saying.replyTo);
    if (read?.room === room) return { key: saying.replyTo, id: read.id };
    // What is said elsewhere in the middle of a turn answers nothing there.
    if (read !== undefined && live.turns.find(saying.replyTo) !== undefined) return undefined;
    const key = live.turns.keyOf(room, saying.replyTo);
    return key === undefined ? { id: saying.replyTo } : { key, id: saying.replyTo };
  }
  if (saying.raw) return undefined;
  // What a turn that goes on after a crash says no longer knows what it answers; its session does.
  const where = conversationOfSession(saying.sessionKey);
  if (where === undefined || roomOf(where, live.client.bot ?? "") !== room) return undefined;
  const turn = live.turns.interruptedIn(room);
  return turn === undefined ? undefined : { key: entryKey(turn), id: turn.id };
}

/** The open requests that the turn of an entry works on: its own, and those that were read with it. */
function requestsOf(live: LiveAccount, key: string): readonly Incoming[] {
  if (live.account.protocol === "off" || loadBlocks() === null) return [];
  const keys = new Set([key, ...live.turns.readWith(key)]);
  return live.requests.open.incoming.filter((it) => keys.has(it.entry) && !it.clarifying);
}

/** One answer in a block of its own for each request, in parts if it is long: all but the last say that more follows. */
function responseDrafts(live: LiveAccount, saying: Saying, request: Incoming, status: BlockStatus, at: number): Draft[] {
  const { requestId, replyTo: to, depth, entry } = request;
  const me = live.client.bot ?? "";
  const id = saying.id === undefined || at === 0 ? saying.id : stableId(saying.id, requestId);
  const replyTo = readEntryKey(entry)?.id ?? entry;
  return inParts(live, saying, saying.text, replyTo, id, (result, isLast) =>
    loadBlocks()?.buildResponse({ from: me, to, requestId, status: isLast ? status : "partial", result, depth: nextDepth(depth) }) ?? result,
  );
}

type Wrap = (part: string, isLast: boolean) => string;

function inParts(live: LiveAccount, saying: Saying, text: string, replyTo: string | undefined, chosen: string | undefined, wrap: Wrap = (it) => it): Draft[] {
  const parts = saying.raw ? [text] : splitText(text, live.client.limits);
  const first = chosen ?? uuid7();
  const where = saying.target.kind === "room" ? { room: saying.target.room } : { to: saying.target.bot };
  return parts.map((part, at) => ({
    ...where, id: at === 0 ? first : stableId(first, at), text: wrap(part, at === parts.length - 1), ...(replyTo === undefined ? {} : { reply_to: replyTo }),
  }));
}

async function store(live: LiveAccount, drafts: readonly Draft[]): Promise<{ ack?: Ack | undefined; later?: Promise<Ack> }> {
  const stored = live.client.sendAll(drafts).then((acks) => acks.at(-1) as Ack);
  const patience = new AbortController();
  try {
    const ack = await Promise.race([stored, pause(ACK_MS, patience.signal).then(() => undefined)]);
    return ack === undefined ? { later: stored } : { ack };
  } catch (error) {
    if (!(error instanceof HubRefusal)) throw error;
    const [only] = drafts;
    if (error.error.name === "id_conflict" && only !== undefined && drafts.length === 1) return { ack: await conflict(live, only.id, error) };
    throw new PlatformMessageNotDispatchedError(`bot-hub: ${error.message}`, { cause: error, retryable: false });
  } finally {
    patience.abort();
    stored.catch(() => {});
  }
}

/** The id names a message of ours with other words: an earlier attempt of the same sending arrived. */
async function conflict(live: LiveAccount, id: string, error: HubRefusal): Promise<Ack> {
  const report = await live.client.ask({ type: "status", id });
  if (report.from !== live.client.bot) throw error;
  return { id, room: report.room, seq: report.seq, delivered: 0, duplicate: true };
}
