// An account while it runs: from OpenClaw's start signal to its stop.
//
// Owns putting the parts together and publishing how the connection is. A mistake in the
// configuration is a status that says what to do; it ends nothing.

import { channelBlockedPatch, channelReadyPatch, channelStoppedPatch } from "openclaw/plugin-sdk/gateway-runtime";
import type { ChannelPlugin, OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { type ConnectionState, HubClient, untilAborted } from "../client/index.js";
import { accountFiles } from "./account-files.ts";
import { unconfiguredReason, type Account } from "./config.ts";
import { Inbound } from "./inbound.ts";
import { liveAccounts, noteTyping, type LiveAccount } from "./live.ts";
import { LogLimit } from "./log-limit.ts";
import { Loops } from "./loops.ts";
import { ownerNotice } from "./owner.ts";
import { Pauses } from "./pauses.ts";
import { plainHint } from "./plain-hint.ts";
import { Requests } from "./requests.ts";
import { endRequests } from "./requests-end.ts";
import { expulsion } from "./rooms-missing.ts";
import { getRuntime } from "./runtime.ts";
import { Turns } from "./turns.ts";
import { LOADED_VERSION } from "./version.ts";

type StartAccount = NonNullable<NonNullable<ChannelPlugin<Account>["gateway"]>["startAccount"]>;
export type StartContext = Parameters<StartAccount>[0];

/** So often interrupted turns that nobody took up again are looked for. */
const GIVE_UP_MS = 60_000;

export const startAccount: StartAccount = async (ctx) => {
  const { account, abortSignal: signal } = ctx;
  for (const problem of account.problems) ctx.log?.warn?.(problem);
  ctx.setStatus({ ...ctx.getStatus(), accountId: account.accountId, running: true, lifecycle: "starting" });
  try {
    if (account.configured && account.token.kind === "value") await connect(ctx, account.token.value);
    else block(ctx, [unconfiguredReason(account), ...account.problems].join("; "));
    // What is wrong will be changed in the configuration, which starts the account anew.
    await untilAborted(signal);
  } finally {
    ctx.setStatus({ ...ctx.getStatus(), ...channelStoppedPatch({ accountId: account.accountId }) });
  }
};

async function connect(ctx: StartContext, token: string): Promise<void> {
  const { account, abortSignal: signal } = ctx;
  const runtime = getRuntime();
  const limit = new LogLimit();
  const outages = new LogLimit();
  const log = (text: string) => {
    const line = limit.line(text);
    if (line !== undefined) ctx.log?.warn?.(line);
  };
  const files = accountFiles(runtime.state.resolveStateDir(), account, {
    trouble: (problem) => {
      log(problem);
      ctx.setStatus({ ...ctx.getStatus(), lastError: problem });
    },
    better: (problem) => {
      limit.over(problem);
      if (ctx.getStatus().lastError === problem) ctx.setStatus({ ...ctx.getStatus(), lastError: null });
    },
  });
  const client: HubClient = new HubClient(
    { url: account.url, token, client: clientName(runtime.version), rooms: account.rooms, outbox: files.outbox, exile: files.exile, hint: plainHint },
    {
      state: (state) => {
        if (state.kind === "connecting") {
          live.refusals.clear();
          live.pauses.begin();
        }
        publish(ctx, state, outages);
      },
      entry: (entry) => {
        ctx.setStatus({ ...ctx.getStatus(), lastInboundAt: Date.now() });
        inbound.take(entry);
      },
      gap: (gap) => log(inbound.losses.missed(gap)),
      pause: (pause) => log(live.pauses.told(pause)),
      receipt: (receipt) => {
        const sentence = inbound.losses.undelivered(receipt);
        if (sentence !== undefined) log(sentence);
      },
      typing: (room, from) => noteTyping(live, room, from),
      stored: (draft, ack) => {
        const key = draft.reply_to === undefined ? undefined : turns.keyOf(ack.room, draft.reply_to);
        if (key !== undefined) turns.reply(key, draft.id);
      },
      expelled: (room) => log(expulsion(room, client.bot)),
      proven: (reports) => turns.proven(reports),
      refused: (error) => {
        log(error.message);
        live.refusals.add(error.message);
        ctx.setStatus({ ...ctx.getStatus(), lastError: error.message });
      },
    },
  );
  const turns = new Turns(files.turns, (report) => client.report(report));
  const requests = new Requests(files.requests);
  const live: LiveAccount = { account, client, turns, requests, said: new Set(), refusals: new Set(), typing: new Map(), loops: new Loops(files.loops), pauses: new Pauses(), wake: (room) => inbound.wake(room) };
  const inbound = new Inbound({ config: () => runtime.config.current() as OpenClawConfig, account, live, runtime, signal, log, seen: files.seen, losses: files.losses, tellOwner: ownerNotice(runtime, account.accountId) });
  requests.adopt(turns.open);
  turns.repeat();
  liveAccounts.set(account.accountId, live);
  const timer = setInterval(() => {
    void giveUp(live, log);
    for (const room of inbound.held) if (live.loops.stopOf(room) === undefined) inbound.wake(room);
  }, GIVE_UP_MS);
  try {
    await client.run(signal);
  } finally {
    clearInterval(timer);
    if (liveAccounts.get(account.accountId) === live) liveAccounts.delete(account.accountId);
  }
}

/** Interrupted turns that nobody took up again end, and so do the requests in them. */
async function giveUp(live: LiveAccount, log: (text: string) => void): Promise<void> {
  const given = live.turns.giveUp();
  const outcome = { state: "failed" as const, reason: "the gateway was restarted in the middle of the turn" };
  await endRequests(live, given, outcome, log);
}

/** For people who look at the hub: which programs are connected. */
export function clientName(hostVersion: string | undefined): string {
  return `openclaw/${hostVersion ?? "unknown"} bot-hub/${LOADED_VERSION}`;
}

/** `outages` limits the lines about one outage. It ends with the next connection, so that each outage is in the log. */
export function publish(ctx: StartContext, state: ConnectionState, outages: LogLimit): void {
  const { accountId } = ctx.account;
  const known = ctx.getStatus();
  switch (state.kind) {
    case "connecting":
      return;
    case "ready":
      outages.allOver();
      ctx.log?.info?.(`connected to ${ctx.account.url} (${state.hub}) as ${state.bot}`);
      return ctx.setStatus({ ...known, ...channelReadyPatch({ accountId }), reconnectAttempts: 0, stateReason: "" });
    case "recovering":
      warn(ctx, outages.line(state.reason, `; next attempt in ${state.retryInMs} ms`));
      return ctx.setStatus({
        ...known,
        connected: false,
        lifecycle: "recovering",
        lastError: state.reason,
        stateReason: state.reason,
        reconnectAttempts: state.attempt,
        lastDisconnect: { at: Date.now(), error: state.reason },
      });
    case "blocked":
      return block(ctx, state.reason, outages.line(state.reason));
  }
}

function warn(ctx: StartContext, line: string | undefined): void {
  if (line !== undefined) ctx.log?.warn?.(line);
}

function block(ctx: StartContext, reason: string, line: string | undefined = reason): void {
  if (line !== undefined) ctx.log?.error?.(line);
  ctx.setStatus({ ...ctx.getStatus(), ...channelBlockedPatch(reason), connected: false, stateReason: reason });
}
