// How long to wait before the next attempt.

/** The first wait is about this long. */
const FIRST_MS = 400;
/** No wait is longer: a hub that is back should not be alone for minutes. */
const LONGEST_MS = 30_000;

/**
 * Doubles from attempt to attempt (from 0), with half of it random: a hub that restarts is not met
 * by everybody at the same moment.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full / 2 + (full / 2) * random());
}

/** `ms`, give or take a quarter: everybody was told the same number at the same moment. */
export function around(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (0.75 + random() / 2));
}

/** `ms` or up to a quarter more: before it, the answer would be the same. */
export function notBefore(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (1 + random() / 4));
}

/** Resolves when the signal fires. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true })));
}

/** A longer timer would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** A wait that a hub names, as a timer can keep it. */
export function atMost(ms: number): number {
  return Math.min(ms, TIMER_MS_MAX);
}

/** Ends early, without an error, when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, atMost(ms));
    signal.addEventListener("abort", end, { once: true });
  });
}
