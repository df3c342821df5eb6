// What can go wrong between the plugin and a hub, and how an error is told to people.

import type { ErrorFrame } from "./frames.ts";
import { plainHint } from "./plain-hint.ts";

/** A refusal of the hub, with its hint. */
export class HubRefusal extends Error {
  readonly error: ErrorFrame;
  constructor(error: ErrorFrame) {
    const hint = plainHint(error);
    super(hint === undefined ? error.message : `${error.message}; hint: ${hint}`);
    this.name = "HubRefusal";
    this.error = error;
  }
}

/** There is no connection to the hub, or it went away before it answered. */
export class HubAway extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "HubAway";
  }
}

/** An error as one sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
