export type ActType = 'REQUEST' | 'RESPONSE' | 'CLARIFY' | 'HANDOFF' | 'BROADCAST';
export type Status = 'done' | 'partial' | 'failed';
export type Priority = 'low' | 'normal' | 'high';

/** Step `current` of at most `max`. */
export interface Depth {
  current: number;
  max: number;
}

/** The act in a block; fields that are not there are null. */
export interface ParsedMessage {
  type: ActType;
  to: string;
  /** Who sent it, as the text claims. */
  from: string;
  requestId: string;
  task: string | null;
  result: string | null;
  context: string | null;
  depth: Depth | null;
  callback: string | null;
  priority: Priority | null;
  status: Status | null;
  question: string | null;
  message: string | null;
  /** Fields that the format does not know, under their lower-cased keys. */
  meta: Record<string, string>;
  /** The whole text. */
  raw: string;
}

/** Something to say about a text, and where: line and column from 1. */
export interface Remark {
  severity: 'error' | 'warning';
  /** A word for scripts, like `missing_field`. */
  type: string;
  line: number;
  column: number;
  message: string;
  /** What to do about it. */
  hint: string;
}

/** The act in the first block of a text, or null. */
export function parse(rawText: unknown): ParsedMessage | null;
/** Why `parse` returns null; null if it does not. */
export function explain(rawText: string): Remark | null;
/** Everything that is wrong or odd about a block. */
export function lint(rawText: string): Remark[];
/** The act whose parts these texts are, in any order; throws while one is missing. */
export function join(texts: string[]): ParsedMessage;
