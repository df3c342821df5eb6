// What an entry asks of this agent.
//
// Owns the translation of blocks into plain language and who is meant. Pure: whatever it needs to
// know is passed in, and what follows from it is done elsewhere.

import { FIRST_DEPTH, type Block, type Depth } from "./blocks.ts";
import type { Entry } from "./hub-client.ts";
import { directPeer, mentions, mentionsSomebody, readName } from "./names.ts";

export type Meaning = {
  /** What the agent reads. */
  text: string;
  addressed: boolean;
  mentionsSomebody: boolean;
} & (
  | { kind: "talk" }
  /** REQUEST, HANDOFF or CLARIFY to this bot: its answer is a RESPONSE. */
  | { kind: "request"; requestId: string; replyTo: string; task: string; depth: Depth }
  /** RESPONSE to this bot; after a partial one another follows. */
  | { kind: "response"; requestId: string; depth: Depth; isPartial: boolean }
  /** Worth knowing, and nothing to answer: BROADCAST, and blocks between others. */
  | { kind: "context" }
);

export function meaningOf(entry: Entry, me: string, block: Block | null, repliesToMe: boolean): Meaning {
  const direct = directPeer(entry.room, me) !== undefined;
  if (block === null) {
    const addressed = direct || repliesToMe || mentions(entry.text, me);
    return { kind: "talk", text: entry.text, addressed, mentionsSomebody: mentionsSomebody(entry.text) };
  }
  // The hub knows who speaks; what the block says about it is only said.
  const claimed = readName(block.from);
  const who = claimed === entry.from ? entry.from : `${entry.from} (signing as ${block.from})`;
  const forMe = readName(block.to) === me;
  const depth = block.depth ?? FIRST_DEPTH;
  const common = { text: plainWords(block, who), addressed: forMe, mentionsSomebody: true };
  if (!forMe || block.type === "BROADCAST") return { ...common, kind: "context" };
  if (block.type === "RESPONSE") {
    return { ...common, kind: "response", requestId: block.requestId, depth, isPartial: block.status === "partial" };
  }
  const replyTo = (block.type === "HANDOFF" && block.callback !== null && readName(block.callback)) || entry.from;
  const task = block.task ?? block.question ?? "";
  return { ...common, kind: "request", requestId: block.requestId, replyTo, task, depth };
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
