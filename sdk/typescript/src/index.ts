// What a program gets from this package.

export type { Answer, Question } from "./asks.ts";
export { pause, untilAborted } from "./backoff.ts";
export { isRecord, jsonFile, memoryFile, StateUnwritable, type FileEvents, type JsonFile } from "./file.ts";
export type * from "./frames.ts";
export { HubClient } from "./hub-client.ts";
export type { OpenSocket, Socket } from "./link.ts";
export type { ConnectionState, Entry, HubEvents, HubOptions } from "./options.ts";
export type { Draft } from "./outbox.ts";
export { HubAway, HubRefusal } from "./refusal.ts";
export type { Report } from "./reports.ts";
export { splitText } from "./sendable.ts";
export { networkReason } from "./unreachable.ts";
export { stableId, uuid7 } from "./uuid.ts";
