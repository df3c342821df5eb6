// Words of somebody else, as they stand in what the agent reads.
//
// Owns the one mark that tells them from ours: each of their lines begins with `> `, and none of ours does. So
// nothing has to be recognised as a forgery, whatever it looks like. Judges no words.

/** Every character that some reader takes for the end of a line. */
const BREAKS = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;
/**
 * What a person who looks at a message does not see, and a model may read: controls, marks that turn the direction
 * of writing, and the invisible alphabets. Letters that need joiners keep them.
 */
export const INVISIBLE = /[\u0000-\u0008\u000e-\u001b\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0d\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
const INLINE_CHARS = 300;
const HALF_AT_END = /[\ud800-\udbff]$/;

/** A text of several lines. Invisible characters are left out, and a line of ours says how many. */
export function theirs(text: string): string {
  const { lines, note } = visible(text);
  return [...lines.map((line) => `> ${line}`.trimEnd()), ...note].join("\n");
}

/** The same for a value in JSON, whose quotes are the mark. */
export function theirsInJson(text: string): string {
  const { lines, note } = visible(text);
  return [...lines, ...note].join("\n");
}

function visible(text: string): { lines: string[]; note: string[] } {
  let hidden = 0;
  const lines = text.split(BREAKS).map((line) => line.replace(INVISIBLE, () => (hidden++, "")));
  return { lines, note: hidden === 0 ? [] : [`[${hidden} invisible characters left out above]`] };
}

/** A short text of theirs within a line of ours: in quotes, which it cannot close. */
export function theirsInline(text: string, max = INLINE_CHARS): string {
  return JSON.stringify(shortened(text, max));
}

/** The beginning of a text on one line, without what cannot be seen. */
export function shortened(text: string, max: number): string {
  const line = text.split(BREAKS).join(" ").replace(INVISIBLE, "").replace(/\s+/g, " ").trim();
  return line.length <= max ? line : `${line.slice(0, max - 1).replace(HALF_AT_END, "")}…`;
}
