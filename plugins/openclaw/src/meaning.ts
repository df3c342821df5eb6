// What an entry asks of this agent.
//
// Owns the translation of blocks into plain language and who is meant. Pure: whatever it needs to
// know is passed in, and what follows from it is done elsewhere.

import type { Entry } from "../client/index.js";
import { FIRST_DEPTH, loadBlocks, type Block, type Depth } from "./blocks.ts";
import { directPeer, mentions, mentionsSomebody, readName } from "./names.ts";

export type Asked = { requestId: string; replyTo: string; task: string; depth: Depth };
export type Meaning = {
  /** What the agent reads. */
  text: string;
  addressed: boolean;
  mentionsSomebody: boolean;
} & (
  | { kind: "talk" }
  /** REQUEST, HANDOFF or CLARIFY to this bot: its answer is a RESPONSE. */
  | ({ kind: "request" } & Asked)
  /** RESPONSE to this bot; after a partial one another follows. */
  | { kind: "response"; requestId: string; depth: Depth; isPartial: boolean }
  /** Worth knowing, and nothing to answer: BROADCAST, and blocks between others. */
  | { kind: "context" }
);

/** A piece of a text: words, or a block. */
type Piece = { block: Block | null; text: string };

/** The line that a block begins with, behind its fence. */
const HEAD = /^\s*\[[A-Z]+ *(?:→|->).*\]/;
const FENCE_END = /^```[ \t]*\r?$/;

/** Where fenced blocks may stand, as `[from, to]`. Line by line: no text takes longer than its length. */
function fenced(text: string): Array<[number, number]> {
  const found: Array<[number, number]> = [];
  let [at, fence, open] = [0, -1, -1];
  for (const line of text.split("\n")) {
    if (open >= 0 && FENCE_END.test(line)) {
      found.push([open, at + line.length]);
      [fence, open] = [-1, -1];
    } else if (open < 0 && line.startsWith("```")) fence = at;
    else if (open < 0 && fence >= 0 && line.trim() !== "") [fence, open] = [-1, HEAD.test(line) ? fence : -1];
    at += line.length + 1;
  }
  return found;
}

/** The text in pieces: each block for itself, and what stands around them. */
export function piecesOf(text: string): Piece[] {
  const blocks = loadBlocks();
  if (blocks === null) return [{ block: null, text }];
  const pieces: Piece[] = [];
  let at = 0;
  for (const [from, to] of fenced(text)) {
    const whole = text.slice(from, to);
    const block = blocks.parse(whole);
    if (block === null) continue;
    pieces.push({ block: null, text: text.slice(at, from) }, { block, text: whole });
    at = to;
  }
  pieces.push({ block: null, text: text.slice(at) });
  const whole = pieces.length === 1 ? blocks.parse(text) : null;
  if (whole !== null) return [{ block: whole, text }];
  return pieces.filter((it) => it.block !== null || it.text.trim() !== "");
}

/** A text without the syntax of blocks; everything else as it is. */
export function readable(text: string, from: string): string {
  return piecesOf(text).map((it) => (it.block === null ? it.text.trim() : plainWords(it.block, from))).join("\n\n");
}

export function meaningOf(entry: Entry, me: string, pieces: readonly Piece[], repliesToMe: boolean): Meaning {
  const direct = directPeer(entry.room, me) !== undefined;
  const words = pieces.filter((it) => it.block === null).map((it) => it.text).join("\n");
  const spokenTo = mentions(words, me);
  // Whoever names somebody else speaks to them, also in answer to something that I said.
  const toOthers = mentionsSomebody(words) && !spokenTo;
  const addressed = direct || spokenTo || (repliesToMe && !toOthers);
  const main = pieces.find((it) => it.block !== null && isFor(it.block, me) && it.block.type !== "BROADCAST") ?? pieces.find((it) => it.block !== null);
  if (main?.block == null) return { kind: "talk", text: entry.text, addressed, mentionsSomebody: mentionsSomebody(words) };
  const text = pieces.map((it) => (it.block === null ? it.text.trim() : plainWords(it.block, signed(entry, it.block)))).join("\n\n");
  return blockMeaning(entry, me, main.block, { text, addressed: isFor(main.block, me) || spokenTo, mentionsSomebody: true });
}

const isFor = (block: Block, me: string) => readName(block.to) === me;

/** The hub knows who speaks; what the block says about it is only said. */
function signed(entry: Entry, block: Block): string {
  return readName(block.from) === entry.from ? entry.from : `${entry.from} (signing as ${block.from})`;
}

function blockMeaning(entry: Entry, me: string, block: Block, common: Pick<Meaning, "text" | "addressed" | "mentionsSomebody">): Meaning {
  const depth = block.depth ?? FIRST_DEPTH;
  if (!isFor(block, me) || block.type === "BROADCAST") {
    // Beside a block for somebody else there may be words to me.
    return common.addressed && !isFor(block, me) ? { ...common, kind: "talk" } : { ...common, addressed: false, kind: "context" };
  }
  if (block.type === "RESPONSE") {
    return { ...common, kind: "response", requestId: block.requestId, depth, isPartial: block.status === "partial" };
  }
  const replyTo = (block.type === "HANDOFF" && block.callback !== null && readName(block.callback)) || entry.from;
  const task = block.task ?? block.question ?? "";
  return { ...common, kind: "request", requestId: block.requestId, replyTo, task, depth };
}

/** Further requests to me in the same message: each is owed an answer of its own. */
export function furtherRequests(entry: Entry, me: string, pieces: readonly Piece[]): Asked[] {
  const mine = pieces.flatMap((it) => (it.block !== null && isFor(it.block, me) ? [blockMeaning(entry, me, it.block, { text: "", addressed: true, mentionsSomebody: true })] : []));
  return mine.flatMap((it) => (it.kind === "request" ? [it] : [])).slice(1);
}

/** A block without its syntax. */
export function plainWords(block: Block, who: string): string {
  const to = block.to;
  switch (block.type) {
    case "REQUEST":
      return joined(`${who} asks ${to}: ${block.task}`, block);
    case "HANDOFF":
      return joined(`${who} hands a task over to ${to}: ${block.task}`, block);
    case "CLARIFY":
      return joined(`${who} asks ${to} back: ${block.question}`, block);
    case "BROADCAST":
      return joined(`${who} tells everybody: ${block.message}`, block);
    case "RESPONSE":
      return joined(`${who} answers ${to}${STATUS[block.status ?? "done"]}: ${block.result ?? block.status}`, block);
  }
}

const STATUS = { done: "", partial: " (so far)", failed: " (it failed)" } as const;

function joined(sentence: string, block: Block): string {
  const lines = [sentence];
  if (block.context !== null) lines.push(`Background: ${block.context}`);
  if (block.priority === "high") lines.push("It is urgent.");
  if (block.priority === "low") lines.push("It is not urgent.");
  return lines.join("\n");
}
