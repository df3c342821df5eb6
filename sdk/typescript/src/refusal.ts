// What can go wrong between a client and a hub.

import type { ErrorFrame } from "./frames.ts";

/** A refusal of the hub with its hint, or with `hint` from a program that words hints for its own readers. */
export class HubRefusal extends Error {
  readonly error: ErrorFrame;
  constructor(error: ErrorFrame, hint = error.hint ?? "") {
    super(hint === "" ? error.message : `${error.message}; hint: ${hint}`);
    this.name = "HubRefusal";
    this.error = error;
  }
}

/** There is no connection to the hub, or it gave no whole answer. */
export class HubAway extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "HubAway";
  }
}

const RETRIES: ReadonlySet<string> = new Set(["never", "after_fix", "later"] satisfies ErrorFrame["retry"][]);

/** Whether the same may succeed later. A word of a newer hub means so if a time comes with it. */
export function isForNow(error: ErrorFrame): boolean {
  return RETRIES.has(error.retry) ? error.retry === "later" : error.retry_after_ms !== undefined;
}
