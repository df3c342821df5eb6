// The end of requests that a turn left open: whoever asked hears that there is no answer, and why.

import { entryKey } from "./entry-key.ts";
import { messageOf } from "./errors.ts";
import type { LiveAccount } from "./live.ts";
import { replyTarget } from "./names.ts";
import { say } from "./outbound.ts";
import type { Outcome } from "./turns.ts";

export async function endRequests(live: LiveAccount, entries: ReadonlyArray<{ room: string; from: string; id: string }>, outcome: Outcome): Promise<void> {
  for (const entry of entries) {
    const key = entryKey(entry);
    if (live.requests.byEntry(key) === undefined) continue;
    // A receipt has told it, and more words would feed what the turn was declined for.
    if (outcome.state === "declined") {
      live.requests.forget(key);
      continue;
    }
    const reason = outcome.reason ?? "the agent had nothing to say about it";
    const target = replyTarget(entry.room, live.client.bot ?? "");
    await say(live, { target, text: reason, replyTo: key, status: "failed" }).catch((error: unknown) => {
      live.requests.forget(key);
      throw new Error(`a request could not be answered: ${messageOf(error)}`);
    });
  }
}
