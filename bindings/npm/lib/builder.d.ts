import type { Depth, Priority, Status } from './parser.js';

export interface RequestFields {
  to: string;
  from: string;
  /** Made up when absent. */
  requestId?: string | null;
  task: string;
  context?: string | null;
  /** `{ current: 1, max: 5 }` when absent. */
  depth?: Depth | null;
  callback?: string | null;
  priority?: Priority | null;
}

export interface ResponseFields {
  to: string;
  from: string;
  requestId: string;
  /** Status or result, or both. */
  status?: Status | null;
  result?: string | null;
  context?: string | null;
  depth?: Depth | null;
}

export interface ClarifyFields {
  to: string;
  from: string;
  requestId: string;
  question: string;
  depth?: Depth | null;
}

export interface HandoffFields extends RequestFields {
  requestId: string;
}

export interface BroadcastFields {
  from: string;
  requestId?: string | null;
  message: string;
  context?: string | null;
  depth?: Depth | null;
}

/** Asks another bot to do something. Throws when a field is missing or the depth is used up. */
export function buildRequest(fields: RequestFields): string;
/** Answers a REQUEST, a CLARIFY or a HANDOFF. */
export function buildResponse(fields: ResponseFields): string;
/** Asks back for what is missing. */
export function buildClarify(fields: ClarifyFields): string;
/** Passes a request on to another bot. */
export function buildHandoff(fields: HandoffFields): string;
/** Tells everybody something. */
export function buildBroadcast(fields: BroadcastFields): string;
/** A new id: the name in a-z0-9 and six random digits. */
export function generateRequestId(botname: string): string;
/** The depth of a reply. */
export function incrementDepth(incomingDepth: Depth): Depth;
/** The parts of a block, none longer than `limit` UTF-16 units (2000, Discord's, when absent). */
export function split(text: string, limit?: number): string[];
