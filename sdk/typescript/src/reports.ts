// Receipts on their way to the hub.
//
// The hub does not acknowledge a receipt, but it works through a connection in order: a `pong`
// proves everything that was sent before its `ping`. What is not proven is sent again after a
// reconnect; the hub takes a repeated receipt for what it is.

import type { Receipt } from "./frames.ts";

/** A receipt, and which entry it is about: an id alone may be another sender's, too. */
export type Report = Receipt & { id: string; from: string };

/**
 * As it goes over the wire: room, sender and id are the message. The number is left out, because beside an id
 * older hubs refuse it.
 */
export function receiptOf({ seq: _, ...receipt }: Report): Receipt {
  return receipt;
}

export class Reports {
  #unproven: Report[] = [];
  /** How many of them were sent before each ping that is under way. */
  #pings: Array<{ at: number; covers: number }> = [];
  readonly #over: (reports: Report[]) => void;

  /** `over` hears of reports that need not be said again: the hub has them, or will not have them. */
  constructor(over: (reports: Report[]) => void = () => {}) {
    this.#over = over;
  }

  add(report: Report): void {
    this.#unproven.push(report);
  }

  /** The connection is new: nothing that was sent on the old one is known to have arrived. */
  restart(): Report[] {
    this.#pings = [];
    return [...this.#unproven];
  }

  /** The hub will not have what is said of this entry: a restored one may not know it any more. */
  refused(id: string): void {
    const isIt = (report: Report | undefined) => report?.id === id;
    this.#pings = this.#pings.map((it) => ({ ...it, covers: it.covers - this.#unproven.slice(0, it.covers).filter(isIt).length }));
    const refused = this.#unproven.filter(isIt);
    this.#unproven = this.#unproven.filter((it) => !isIt(it));
    if (refused.length > 0) this.#over(refused);
  }

  pinged(at: number): void {
    this.#pings.push({ at, covers: this.#unproven.length });
  }

  ponged(at: number | undefined): void {
    const found = this.#pings.findIndex((ping) => ping.at === at);
    if (found < 0) return;
    const covers = this.#pings[found]?.covers ?? 0;
    this.#pings = this.#pings.slice(found + 1).map((it) => ({ ...it, covers: it.covers - covers }));
    const proven = this.#unproven.splice(0, covers);
    if (proven.length > 0) this.#over(proven);
  }
}
