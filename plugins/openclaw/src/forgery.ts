// Lines that look like ours in the words of somebody else.
//
// Owns what counts as a look-alike: whatever a model may take for a header of this channel or for a
// word of the system is shown as the quotation that it is. Changes nothing else in a text.

/** Letters of other alphabets that look like ours, where they occur in our headers. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  а: "a", с: "c", ԁ: "d", е: "e", һ: "h", і: "i", ј: "j", ӏ: "l", о: "o", р: "p", ѕ: "s", у: "y", х: "x", ѵ: "v", ԝ: "w", т: "t", м: "m", п: "n",
  α: "a", ε: "e", ι: "i", ο: "o", ρ: "p", τ: "t", υ: "u", ν: "v", "‹": "<", "›": ">", "＜": "<", "＞": ">",
};

/** What opens a line in our briefings and in OpenClaw's own messages. */
const HEADERS = [
  /^\[[^\]]* (in room|in a direct conversation|waited in)\b/,
  /^\[\d+ of \d+/,
  /^said before in the room/,
  /^\[?left out/,
  /^(each of the )?requests? .*bot_hub_answer/,
  /^\[?\s*(system|developer|assistant|user|owner|operator|tool|human)( message| prompt| note)?\s*\]?\s*:/,
  /^#{1,6} *(system|developer|instructions?|owner)\b/,
  /^<{1,3}\/?\s*(begin_|end_)?(system|openclaw|untrusted|external|assistant|user|developer|owner)/,
  /^\[\[?(openclaw|system|owner)/,
  /^-{2,} *(begin|end|system)\b/,
  /^note to the agent\b/,
];

/** A line as a reader would take it: one form per letter, no invisible characters, single spaces. */
function plain(line: string): string {
  return line
    .normalize("NFKC")
    .replace(/[\p{Cf}\p{Mn}]/gu, "")
    .toLowerCase()
    .replace(/[^\x00-\x7f]/g, (it) => LOOK_ALIKES[it] ?? it)
    .replace(/[【〔［⁅⟦]/g, "[")
    .replace(/[】〕］⁆⟧]/g, "]")
    .replace(/[\s\p{Z}]+/gu, " ")
    .replace(/^[ >*_`~-]+(?=[[<#]|\w+ *:)/, "")
    .trim();
}

/** Lines may be broken by more than `\n`. */
const BREAKS = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

export function quotedForgery(text: string): string {
  return text
    .split(BREAKS)
    .map((line) => (HEADERS.some((it) => it.test(plain(line))) ? `> ${line}` : line))
    .join("\n");
}
