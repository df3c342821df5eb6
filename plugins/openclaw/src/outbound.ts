// The one way by which anything leaves: answers, tools, cron, the command line, recovered turns.
//
// Owns ids, what a message answers, and that the answer to a request leaves as a RESPONSE. Never
// decides whether something should be said.

import { PlatformMessageNotDispatchedError } from "openclaw/plugin-sdk/error-runtime";
import { HubRefusal } from "./errors.ts";
import { pause } from "./backoff.ts";
import { loadBlocks, nextDepth, type BlockStatus } from "./blocks.ts";
import type { Ack } from "./frames.ts";
import { liveAccounts, remember, type LiveAccount } from "./live.ts";
import { formatTarget, parseTarget, roomOf, type Target } from "./names.ts";
import type { Incoming } from "./requests.ts";
import { uuid7 } from "./uuid.ts";

export type Saying = {
  target: Target;
  text: string;
  /** The entry that it answers. */
  replyTo?: string | undefined;
  /** Chosen before, so that the answer to it can be awaited. */
  id?: string | undefined;
  /** Whether a request that it answers is done with it. */
  final?: boolean;
  /** Leaves as it is, whatever it answers: blocks that were built on purpose. */
  raw?: boolean;
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
  // What OpenClaw says after a restart to finish a turn no longer knows what it answers.
  const known = saying.replyTo ?? (saying.raw ? undefined : live.turns.interruptedIn(room)?.id);
  // What is said elsewhere in the middle of a turn answers nothing there.
  const elsewhere = known !== undefined && (live.turns.find(known)?.room ?? room) !== room;
  const replyTo = elsewhere ? undefined : known;
  const request = saying.raw || replyTo === undefined ? undefined : requestOf(live, replyTo);
  const status: BlockStatus = saying.final === false ? "partial" : "done";
  const text = request === undefined ? saying.text : asResponse(me, request, saying.text, status);
  const id = saying.id ?? uuid7();
  const { ack, later } = await store(live, { id, text, replyTo, target: saying.target });
  remember(live, id);
  if (request !== undefined && status === "done") live.requests.settled(request);
  if (replyTo !== undefined && ack?.duplicate) live.turns.reply(replyTo, ack.id ?? id);
  const where = { id: ack?.id ?? id, room: ack?.room ?? room, to: formatTarget(saying.target) };
  return later === undefined ? where : { ...where, later };
}

function requestOf(live: LiveAccount, entry: string): Incoming | undefined {
  return live.account.protocol === "off" || loadBlocks() === null ? undefined : live.requests.byEntry(entry);
}

function asResponse(me: string, request: Incoming, text: string, status: BlockStatus): string {
  const { requestId, replyTo: to, depth } = request;
  const built = loadBlocks()?.buildResponse({ from: me, to, requestId, status, result: text, depth: nextDepth(depth) });
  return built ?? text;
}

type Outgoing = { id: string; text: string; replyTo: string | undefined; target: Target };

async function store(live: LiveAccount, { id, text, replyTo, target }: Outgoing): Promise<{ ack?: Ack; later?: Promise<Ack> }> {
  const where = target.kind === "room" ? { room: target.room } : { to: target.bot };
  const stored = live.client.send({ ...where, id, text, ...(replyTo === undefined ? {} : { reply_to: replyTo }) });
  const patience = new AbortController();
  try {
    const ack = await Promise.race([stored, pause(ACK_MS, patience.signal).then(() => undefined)]);
    return ack === undefined ? { later: stored } : { ack };
  } catch (error) {
    if (!(error instanceof HubRefusal)) throw error;
    if (error.error.name === "id_conflict") return { ack: await conflict(live, id, error) };
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
