// Lines for the log that repeat themselves.
//
// Owns how often the same sentence is written: the 1st, 2nd, 4th, 8th … time. A hub that is away for a night
// is a dozen lines, not thousands.

/** So many sentences are counted; then the oldest is forgotten. */
const SENTENCES_MAX = 100;

export class LogLimit {
  readonly #times = new Map<string, number>();

  /** The line to write, if it is time for one. `detail` is written, but does not make it another sentence. */
  line(sentence: string, detail = ""): string | undefined {
    const times = (this.#times.get(sentence) ?? 0) + 1;
    this.#times.delete(sentence);
    this.#times.set(sentence, times);
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= SENTENCES_MAX) break;
      this.#times.delete(oldest);
    }
    if ((times & (times - 1)) !== 0) return undefined;
    return `${sentence}${detail}${times > 1 ? ` (time ${times})` : ""}`;
  }

  /** What the sentence tells of is over: its next time counts as the first. */
  over(sentence: string): void {
    this.#times.delete(sentence);
  }

  /** All that was told is over. */
  allOver(): void {
    this.#times.clear();
  }
}
