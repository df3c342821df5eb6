// How an account is doing, in the words of `openclaw channels status`.

import { createComputedAccountStatusAdapter, createDefaultChannelRuntimeState } from "openclaw/plugin-sdk/status-helpers";
import { CHANNEL_ID, DEFAULT_ACCOUNT_ID, type Account } from "./config.ts";
import { withSideConnection } from "./hub-query.ts";
import { liveAccounts, type LiveAccount } from "./live.ts";
import { stopSentence } from "./loops.ts";
import { messageOf } from "./errors.ts";
import { expulsion, missingRooms } from "./rooms-missing.ts";
import { LOADED_VERSION, mismatchSentence, versionMismatch } from "./version.ts";

export type Probe = { ok: boolean; latencyMs?: number; bot?: string; hub?: string; rooms?: string[]; error?: string };

export async function probe(account: Account, timeoutMs: number): Promise<Probe> {
  const began = performance.now();
  try {
    return await withSideConnection(
      account,
      async (client) => {
        const { rooms } = await client.ask({ type: "rooms" });
        const { bot, hub } = client.auth ?? {};
        const member = rooms.filter((it) => it.member).map((it) => it.room);
        const missing = missingRooms(account.rooms, member);
        return {
          ok: missing === undefined,
          ...(missing === undefined ? {} : { error: missing }),
          latencyMs: Math.round(performance.now() - began),
          ...(bot === undefined ? {} : { bot }),
          ...(hub === undefined ? {} : { hub: `${hub.name} ${hub.version}` }),
          rooms: member,
        };
      },
      timeoutMs,
    );
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

function expulsions(live: LiveAccount | undefined): string[] {
  return live?.client.exiled.map((room) => expulsion(room, live.client.bot)) ?? [];
}

/** The command line asks a gateway that may run other code than the one that it loaded just now. */
function mismatchOf(snapshot: object): string | undefined {
  const runs: unknown = Reflect.get(snapshot, "plugin");
  if (typeof runs === "string" && runs !== LOADED_VERSION) return mismatchSentence(runs, LOADED_VERSION);
  return String(Reflect.get(snapshot, "mismatch") ?? "") || undefined;
}

export const status = createComputedAccountStatusAdapter<Account, Probe>({
  defaultRuntime: createDefaultChannelRuntimeState(DEFAULT_ACCOUNT_ID),
  buildChannelSummary: ({ snapshot }) => ({
    configured: snapshot.configured ?? false,
    running: snapshot.running ?? false,
    connected: snapshot.connected ?? false,
  }),
  probeAccount: ({ account, timeoutMs }) => probe(account, timeoutMs),
  resolveAccountSnapshot: ({ account, runtime }) => {
    const live = liveAccounts.get(account.accountId);
    return {
      accountId: account.accountId,
      enabled: account.enabled,
      configured: account.configured,
      extra: {
        baseUrl: account.url,
        connected: runtime?.connected ?? false,
        rooms: account.rooms,
        ...(live === undefined ? {} : { bot: live.client.bot, unsent: live.client.unsent, openTurns: live.turns.open.length }),
        problems: [...account.problems, ...(live?.refusals ?? []), ...expulsions(live), ...(live?.loops.stops().map(stopSentence) ?? []), ...(live?.pauses.sentences() ?? [])],
        plugin: LOADED_VERSION,
        mismatch: versionMismatch() ?? "",
      },
    };
  },
  collectStatusIssues: (accounts) =>
    accounts.flatMap((snapshot) => {
      const known: unknown = Reflect.get(snapshot, "problems");
      const problems = Array.isArray(known) ? known.map(String) : [];
      const mismatch = mismatchOf(snapshot);
      const issue = (kind: "config" | "runtime", message: string) => ({
        channel: CHANNEL_ID, accountId: snapshot.accountId, kind, message,
      });
      return [
        ...problems.map((it) => issue("config", it)),
        ...(mismatch === undefined ? [] : [issue("runtime", mismatch)]),
        ...(snapshot.lifecycle === "blocked" && snapshot.lastError ? [issue("config", snapshot.lastError)] : []),
      ];
    }),
});
