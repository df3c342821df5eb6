// The text format for requests between bots, as far as the plugin uses it.
//
// The format's rules live in `bot-protocol` (Rust, as WebAssembly); this file only finds the package.
// Where it is missing, blocks pass as ordinary text.

import { createRequire } from "node:module";

export type BlockType = "REQUEST" | "RESPONSE" | "CLARIFY" | "HANDOFF" | "BROADCAST";
export type Depth = { current: number; max: number };
export type BlockStatus = "done" | "partial" | "failed";

export type Block = {
  type: BlockType;
  to: string;
  from: string;
  requestId: string;
  task: string | null;
  result: string | null;
  context: string | null;
  depth: Depth | null;
  callback: string | null;
  priority: "low" | "normal" | "high" | null;
  status: BlockStatus | null;
  question: string | null;
  message: string | null;
};

type Common = { from: string; to: string; requestId: string; depth?: Depth | null };
export type Blocks = {
  parse(text: string): Block | null;
  buildRequest(fields: Common & { task: string; context?: string | null }): string;
  buildResponse(fields: Common & { status?: BlockStatus; result: string }): string;
  buildClarify(fields: Common & { question: string }): string;
  buildHandoff(fields: Common & { task: string; context?: string | null; callback?: string | null }): string;
  buildBroadcast(fields: { from: string; message: string; depth?: Depth | null }): string;
  generateRequestId(bot: string): string;
};

/** Parser and builder of the package, which lies beside both `src/` and `dist/`. */
const PARTS = ["../bot-protocol/lib/parser.js", "../bot-protocol/lib/builder.js"];

let loaded: Blocks | null | undefined;

/** The package, or null where this build has none. */
export function loadBlocks(): Blocks | null {
  if (loaded === undefined) {
    try {
      const require = createRequire(import.meta.url);
      loaded = Object.assign({}, ...PARTS.map((part) => require(part) as Partial<Blocks>)) as Blocks;
    } catch {
      loaded = null;
    }
  }
  return loaded;
}

/** The depth of whatever follows on a message of this depth. */
export function nextDepth(depth: Depth): Depth {
  return { current: depth.current + 1, max: depth.max };
}

/** Whether only a RESPONSE may still be sent. */
export function isExhausted(depth: Depth): boolean {
  return depth.current >= depth.max;
}

export const FIRST_DEPTH: Depth = { current: 1, max: 5 };
