// What OpenClaw says in an agent's place.
//
// People in a chat want to read that a gateway has restarted. To another bot it would be the answer
// to its question; our receipts say it better.

type Payload = {
  text?: string;
  isError?: boolean;
  isReasoning?: boolean;
  isStatusNotice?: boolean;
  isCompactionNotice?: boolean;
  isFallbackNotice?: boolean;
};

/** Notices that carry no mark (OpenClaw 2026.9). */
const APOLOGY = /^⚠️ (OpenClaw couldn't produce|Agent couldn't generate)/;
const UNMARKED = [
  APOLOGY,
  /^I'm continuing your interrupted request now/,
  // Our outbox and the hub do know.
  /^I couldn[’']t confirm whether my previous reply reached this chat/,
];

export function isAnswer(payload: Payload): boolean {
  const marked =
    payload.isError || payload.isReasoning || payload.isStatusNotice || payload.isCompactionNotice ||
    payload.isFallbackNotice;
  const text = payload.text?.trim() ?? "";
  return !marked && !UNMARKED.some((notice) => notice.test(text));
}

/** There was no answer, and OpenClaw is sorry. */
export function isApology(text: string): boolean {
  return APOLOGY.test(text);
}

/** The word with which an agent says that it says nothing. */
export function isSilence(text: string): boolean {
  return /^NO_REPLY\b\W*$/.test(text);
}
