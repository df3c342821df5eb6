// What a client is given, and what it tells the program.

import type { JsonFile } from "./file.ts";
import type { Ack, Delivery, ErrorFrame, Gap, Pause, RangeReceipt, ReceiptNotice } from "./frames.ts";
import type { OpenSocket } from "./link.ts";
import type { Draft } from "./outbox.ts";
import type { HubRefusal } from "./refusal.ts";
import type { Report } from "./reports.ts";

/** What is known about the connection, for people. */
export type ConnectionState =
  | { kind: "connecting" }
  | { kind: "ready"; bot: string; hub: string }
  | { kind: "recovering"; reason: string; retryInMs: number; attempt: number }
  | { kind: "blocked"; reason: string };

/** An entry that can be answered: the hub gives id and number to every client with `ack`. */
export type Entry = Delivery & {
  id: string;
  seq: number;
  /** When it came: its age was right then. */
  heardAt?: number;
};

export type HubEvents = {
  state?(state: ConnectionState): void;
  entry?(entry: Entry): void;
  typing?(room: string, from: string): void;
  gap?(gap: Gap): void;
  /** A pause that holds for this bot begins, holds since before it connected, or has ended: meanwhile nothing comes. */
  pause?(pause: Pause): void;
  /** What became of own messages, one of them or a run. */
  receipt?(receipt: ReceiptNotice | RangeReceipt): void;
  /** A message of ours is in the log, perhaps one that an earlier process had written. */
  stored?(draft: Draft, ack: Ack): void;
  /** Somebody took the bot out of a room; it does not come back by itself. */
  expelled?(room: string, reason: string): void;
  /** The hub refused something that nobody waits for. */
  refused?(error: HubRefusal): void;
  /** The hub certainly has these receipts, or will never have them. */
  proven?(reports: Report[]): void;
};

export type HubOptions = {
  url: string;
  token: string;
  client: string;
  rooms?: readonly string[];
  /** A connection that only sends and asks, beside the one that reads. */
  side?: boolean;
  outbox?: JsonFile;
  /** Rooms that the bot was taken out of. */
  exile?: JsonFile;
  /** Words a refusal's hint for the readers of this program's errors; empty for none. The hub's hints are for programs. */
  hint?: (error: ErrorFrame) => string;
  open?: OpenSocket;
  /** Milliseconds that never jump, and numbers from 0 to 1: tests bring their own. */
  now?: () => number;
  random?: () => number;
};
