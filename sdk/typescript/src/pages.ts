// Answers that come in pages, put together: a question about rooms, bots or recipients gets all of them.
//
// Owns how two pages become one. Never asks for anything by itself.

import type { Answer, Question } from "./asks.ts";
import type { ServerFrame } from "./frames.ts";
import { HubAway } from "./refusal.ts";

/** Asks until nothing is left. Fails if the hub names a page that it named before: asking on would never end. */
export async function inFull<Q extends Question>(question: Q, ask: (question: Q) => Promise<Answer<Q>>): Promise<Answer<Q>> {
  let whole: ServerFrame = await ask(question);
  const asked = new Set<string>();
  for (let after = nextOf(whole); after !== undefined; after = nextOf(whole)) {
    if (asked.has(after)) throw new HubAway(`the hub's pages of \`${question.type}\` never end`);
    asked.add(after);
    whole = joined(whole, await ask({ ...question, ...about(whole), after }));
  }
  return whole as Answer<Q>;
}

function nextOf(page: ServerFrame): string | undefined {
  return page.type === "rooms" || page.type === "who" || page.type === "status" ? (page.next ?? undefined) : undefined;
}

/** An id may name messages in several rooms: the next page is about the same one. */
function about(page: ServerFrame): { room?: string; from?: string } {
  return page.type === "status" ? { room: page.room, from: page.from } : {};
}

function joined(whole: ServerFrame, page: ServerFrame): ServerFrame {
  if (whole.type === "rooms" && page.type === "rooms") return { ...page, rooms: [...whole.rooms, ...page.rooms] };
  if (whole.type === "status" && page.type === "status") return { ...page, recipients: [...whole.recipients, ...page.recipients] };
  if (whole.type === "who" && page.type === "who") {
    // A bot that shares several rooms with this one may be on several pages.
    const seen = new Set(whole.bots.map((it) => it.bot));
    return { ...page, bots: [...whole.bots, ...page.bots.filter((it) => !seen.has(it.bot))] };
  }
  return page;
}
