import type { ParsedMessage } from './parser.js';

export type ConversationStatus = 'open' | 'clarifying' | 'done' | 'partial' | 'failed' | 'timeout';

export interface HistoryEntry {
  type: string;
  at: string;
  from?: string;
  to?: string;
  status?: string | null;
  content?: string | null;
  reason?: string;
}

export interface Conversation {
  type: string;
  to: string;
  from: string;
  task: string | null;
  status: ConversationStatus;
  depth: number;
  createdAt: string;
  updatedAt: string;
  lastType?: string;
  history: HistoryEntry[];
}

/** Adds a parsed message to its conversation, or opens one. */
export function track(parsedMessage: Partial<ParsedMessage>): Promise<Conversation>;
export function get(requestId: string): Promise<Conversation | null>;
export function list(filter?: {
  status?: ConversationStatus;
  from?: string;
  to?: string;
}): Promise<Array<Conversation & { requestId: string }>>;
/** Stops waiting for a conversation. */
export function timeout(requestId: string, reason?: string): Promise<Conversation | null>;
/** Forgets conversations that ended longer ago than this (a day when absent); how many. */
export function cleanup(olderThanMs?: number): Promise<number>;
/** Stops waiting for conversations that nobody answered in time; their ids. */
export function checkTimeouts(): Promise<string[]>;
/** Where it is all kept; `BOT_PROTOCOL_STATE` names another file. */
export const STATE_FILE: string;
