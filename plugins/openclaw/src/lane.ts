// One line per room: jobs run one after another, in the order in which they came.
//
// OpenClaw would put a message that arrives during a turn into that turn; three questions would get
// two answers, both tied to the first. The line is bounded by the hub, which hands over at most a
// window of entries that nobody took.

import { AsyncLocalStorage } from "node:async_hooks";

export type Job = () => Promise<void>;

export class Lanes {
  readonly #waiting = new Map<string, Job[]>();
  readonly #failed: (key: string, error: unknown) => void;
  /**
   * OpenClaw ties work to the call that it began in, and refuses it ("draining") once that call is over. A job
   * belongs to the account, whoever called for it: a command that lifts a stop, a tool, a socket.
   */
  readonly #here = AsyncLocalStorage.snapshot();

  /** `failed` hears of a job that threw; the line goes on. */
  constructor(failed: (key: string, error: unknown) => void) {
    this.#failed = failed;
  }

  add(key: string, job: Job): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.push(job);
      return;
    }
    const line = [job];
    this.#waiting.set(key, line);
    void this.#here(() => this.#run(key, line));
  }

  /** How many jobs come after the one that runs. */
  behind(key: string): number {
    return this.#waiting.get(key)?.length ?? 0;
  }

  /** How many lines have something to do. */
  get busy(): number {
    return this.#waiting.size;
  }

  async #run(key: string, line: Job[]): Promise<void> {
    for (let job = line.shift(); job !== undefined; job = line.shift()) {
      try {
        await job();
      } catch (error) {
        this.#failed(key, error);
      }
    }
    this.#waiting.delete(key);
  }
}
