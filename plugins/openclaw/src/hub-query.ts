// A short look at the hub from a process that holds no connection: the command line, probes.
//
// Opens a side connection, which replaces nobody's; asks, and closes.

import { HubAway, HubClient } from "../client/index.js";
import { unconfiguredReason, type Account } from "./config.ts";
import { liveAccounts } from "./live.ts";
import { plainHint } from "./plain-hint.ts";
import { LOADED_VERSION } from "./version.ts";

/** A command line that has just loaded OpenClaw is slow on a busy machine. */
const PATIENCE_MS = 15_000;

/** Runs `look` with the account's own connection if it is in this process, else with one beside it. */
export async function withHub<T>(account: Account, look: (client: HubClient) => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const live = liveAccounts.get(account.accountId);
  if (live?.client.connected) return look(live.client);
  return withSideConnection(account, look, patienceMs);
}

/** Always a connection of its own: says whether the hub can be reached from here, now. */
export async function withSideConnection<T>(
  account: Account,
  look: (client: HubClient) => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  if (account.token.kind !== "value" || account.url === "") throw new HubAway(unconfiguredReason(account));
  let trouble = `the hub at ${account.url} did not answer within ${patienceMs} ms`;
  const stop = new AbortController();
  const client = new HubClient(
    { url: account.url, token: account.token.value, client: `openclaw-cli bot-hub/${LOADED_VERSION}`, side: true, hint: plainHint },
    {
      state: (state) => {
        if (state.kind !== "blocked" && state.kind !== "recovering") return;
        trouble = state.reason;
        if (state.kind === "blocked") stop.abort();
      },
    },
  );
  const timer = setTimeout(() => stop.abort(), patienceMs);
  const running = client.run(stop.signal);
  try {
    const aborted = new Promise<never>((_, reject) => {
      stop.signal.addEventListener("abort", () => reject(new HubAway(trouble)), { once: true });
    });
    aborted.catch(() => {});
    await Promise.race([client.ready(), aborted]);
    return await Promise.race([look(client), aborted]);
  } finally {
    clearTimeout(timer);
    stop.abort();
    await running;
  }
}
