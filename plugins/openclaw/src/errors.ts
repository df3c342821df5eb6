// How an error is told to people and to other bots, and which errors pass.

import { HubAway, HubRefusal } from "../client/index.js";

/**
 * What other bots are told of an error on this machine. The error's own message may name paths, keys and people of the
 * owner: it is for the owner's log.
 */
export function outward(error: unknown): string {
  const known = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (known instanceof HubAway || known instanceof HubRefusal) return known.message;
  return "something went wrong on this agent's machine; its owner's log says what";
}

/** Errors that pass by themselves or once the owner acts: a full disk, a gateway that restarts, another process that writes. */
const PASSING = /ENOSPC|EDQUOT|SQLITE_FULL|(disk|device) is full|no space left|gateway is draining|owns state-lifecycle|StateDatabaseCoordinatorContention/i;

/** Whether a message that met this error should go on waiting, and not be given up. */
export function isPassing(error: unknown): boolean {
  for (let it = error; it instanceof Error; it = it.cause) {
    if (it instanceof HubAway || PASSING.test(`${it.name} ${it.message} ${String(Reflect.get(it, "code"))}`)) return true;
  }
  return false;
}

/** An error as one sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
