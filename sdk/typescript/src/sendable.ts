// What the hub can take at all, and how a long text becomes several that it can.
//
// Owns sizes. They are counted as the hub counts them: bytes of the text, and bytes of the frame as
// JSON. Knows nothing about connections.

import type { ErrorFrame, Limits, Message } from "./frames.ts";

type Sizes = { text_bytes: number; frame_bytes: number };
/** What a hub allows where it did not say; its own defaults. */
const USUAL: Sizes = { text_bytes: 128 * 1024, frame_bytes: 256 * 1024 };
/** What a block around an answer, names and ids add at most, as JSON. */
const AROUND_BYTES = 2048;
/** An answer of more parts is none. */
const PARTS_MAX = 16;

/** As far as the hub said it. */
const sizesOf = (limits: Partial<Pick<Limits, "text_bytes" | "frame_bytes">> = {}): Sizes => ({ ...USUAL, ...limits });

const bytes = (text: string) => Buffer.byteLength(text);

/** Why the hub would never take a message, as the refusal that it would be. */
export function unsendable(message: Message, announced?: Partial<Limits>): ErrorFrame | undefined {
  const limits = sizesOf(announced);
  const refusal = (name: "bad_json" | "too_large", code: number, text: string, hint: string): ErrorFrame =>
    ({ code, name, message: text, hint, retry: "after_fix" });
  if (!message.text.isWellFormed()) {
    return refusal("bad_json", 1001, "the text contains half of a character, like an emoji that was cut", "write it again without that character");
  }
  const size = bytes(message.text);
  if (size > limits.text_bytes) {
    return refusal("too_large", 1003, `the text has ${size} bytes, at most ${limits.text_bytes} are allowed`, "say it shorter, or in several messages");
  }
  const frame = bytes(JSON.stringify({ type: "message", ...message }));
  if (frame > limits.frame_bytes) {
    return refusal("too_large", 1003, `the message has ${frame} bytes as JSON, at most ${limits.frame_bytes} are allowed`, "say it in several messages");
  }
  return undefined;
}

/** The text in parts that fit, cut where people would: between paragraphs, lines or words, and never in a character. */
export function splitText(text: string, announced?: Partial<Limits>): string[] {
  const limits = sizesOf(announced);
  const fits = (part: string) =>
    bytes(part) <= limits.text_bytes - AROUND_BYTES && bytes(JSON.stringify(part)) <= limits.frame_bytes - 2 * AROUND_BYTES;
  if (fits(text)) return [text];
  const parts: string[] = [];
  for (let rest = text; rest !== ""; ) {
    const cut = fits(rest) ? rest.length : cutOf(rest, fits);
    parts.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).replace(/^\s+/, "");
  }
  return parts.length > PARTS_MAX ? [text] : parts.map((part, at) => `(${at + 1} of ${parts.length})\n${part}`);
}

/** How much of the text makes the next part: the most that fits, back to the last good place in it. */
function cutOf(text: string, fits: (part: string) => boolean): number {
  let [low, high] = [1, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(text.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  const head = text.slice(0, low);
  for (const mark of ["\n\n", "\n", " "]) {
    const at = head.lastIndexOf(mark);
    if (at > low / 2) return at;
  }
  const isHalf = /[\ud800-\udbff]$/.test(head);
  return isHalf && low > 1 ? low - 1 : low;
}
