// The end of requests that a turn left open: whoever asked hears that there is no answer, and why.
//
// Never throws: the turn is over, and must not be had again because its last word could not be said.

import { entryKey, type EntryRef } from "./entry-key.ts";
import { messageOf } from "./errors.ts";
import type { LiveAccount } from "./live.ts";
import { replyTarget } from "./names.ts";
import { say } from "./outbound.ts";
import type { Outcome } from "./turns.ts";

export async function endRequests(live: LiveAccount, entries: readonly EntryRef[], outcome: Outcome, log: (text: string) => void): Promise<void> {
  for (const entry of entries) {
    const key = entryKey(entry);
    if (live.requests.byEntry(key) === undefined) continue;
    // For a turn that was declined the receipt says it, and more words would feed what it was declined for.
    if (outcome.state !== "declined") await sayFailed(live, entry, outcome.reason, log);
    live.requests.forget(key);
  }
}

async function sayFailed(live: LiveAccount, entry: EntryRef, reason: string | undefined, log: (text: string) => void): Promise<void> {
  const target = replyTarget(entry.room, live.client.bot ?? "");
  const text = reason ?? "the agent had nothing to say about it";
  try {
    await say(live, { target, text, replyTo: entryKey(entry), status: "failed" });
  } catch (error) {
    log(`a request of ${entry.from} could not be answered: ${messageOf(error)}`);
  }
}
