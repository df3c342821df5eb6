// One turn for everything that waits in a room, and what it means for each message.
//
// Owns the receipts of such a turn: each says what happened to its own message. Never talks to the hub
// by itself.

import type { Entry } from "../client/index.js";
import { briefing } from "./briefing.ts";
import { isAdmitted, roomRules } from "./config.ts";
import { entryKey } from "./entry-key.ts";
import { messageOf } from "./errors.ts";
import type { InboundOptions, Judge, Judged, Place } from "./judge.ts";
import { stopSentence } from "./loops.ts";
import { endRequests } from "./requests-end.ts";
import type { Losses } from "./losses.ts";
import type { Asked } from "./meaning.ts";
import type { Incoming } from "./requests.ts";
import type { Rooms } from "./rooms.ts";
import { several, type Shown } from "./several.ts";
import { runTurn } from "./turn.ts";
import type { Outcome } from "./turns.ts";

type Together = {
  options: InboundOptions;
  rooms: Rooms;
  losses: Losses;
  judge: Judge;
  delivered: readonly Entry[];
  /** In the log, and not delivered yet. */
  ahead: readonly Entry[];
  more: boolean;
};
type Admitted = Exclude<Judged, { refused: Outcome }>;

/** Messages addressed to the agent are always whole: with so much of them a turn is full, and newer ones make the next turn. */
const ADDRESSED_CHARS = 150_000;

/** Returns what was delivered and is too much for this turn. */
export async function readTogether({ options, rooms, losses, judge, delivered, ahead, more }: Together): Promise<readonly Entry[]> {
  const { live } = options;
  const waiting = [...delivered, ...ahead];
  const place = await judge.place((waiting[0] as Entry).room);
  const judged = await asMuchAsFits(waiting, (entry) => judge.judge(entry, place));
  const all = waiting.slice(0, judged.length);
  const late = new Set(all.slice(delivered.length));
  const persons = new Set(place.members.filter((it) => it.isPerson).map((it) => it.bot));
  live.loops.heard(place.room, { isPerson: all.some((it) => persons.has(it.from)), others: place.members.length - 1 });
  const admitted = judged.filter((it): it is Admitted => it.refused === undefined);
  const forMe = admitted.filter(({ role }) => role === "talk" || role === "request" || role === "answer");
  const turn = forMe.length === 0 ? undefined : await oneTurn(options, { rooms, losses }, place, { admitted, forMe, delivered, more: more || all.length < waiting.length });
  const outcomes = new Map<string, Outcome>();
  live.turns.together(() => {
    for (const it of judged) {
      const outcome = outcomeOf(options, it, turn, admitted.length);
      // The turn is known by one of them, so that one has an end here, too.
      if (late.has(it.entry) && live.turns.find(entryKey(it.entry)) === undefined) outcomes.set(entryKey(it.entry), outcome);
      else live.turns.end(it.entry, outcome);
    }
  });
  const last = all.at(-1) as Entry;
  if (late.size > 0) rooms.readAhead(last.room, outcomes, last.seq);
  if (turn !== undefined) rooms.saw(last);
  return delivered.slice(all.length);
}

async function asMuchAsFits(waiting: readonly Entry[], judge: (entry: Entry) => Promise<Judged>): Promise<Judged[]> {
  const judged: Judged[] = [];
  let chars = 0;
  for (const entry of waiting) {
    const it = await judge(entry);
    if (it.refused === undefined && (it.addressed || it.role === "request")) chars += it.text.length;
    if (chars > ADDRESSED_CHARS && judged.length > 0) break;
    judged.push(it);
  }
  return judged;
}

type Turned = { outcome: Outcome; shown: Map<Entry, Shown> };
type Reading = { admitted: readonly Admitted[]; forMe: readonly Admitted[]; delivered: readonly Entry[]; more: boolean };

async function oneTurn(options: InboundOptions, { rooms, losses }: Pick<Together, "rooms" | "losses">, place: Place, reading: Reading): Promise<Turned> {
  const { live, account } = options;
  const { admitted, forMe, delivered } = reading;
  const first = (admitted[0] as Admitted).entry;
  const direct = place.peer.kind === "direct";
  const { entries, hidden } = direct ? { entries: [], hidden: 0 } : await rooms.unread(first);
  const before = entries.filter((it) => isAdmitted(account, it.room, it.from));
  const main = forMe.findLast(({ role }) => role !== "answer") ?? (forMe.at(-1) as Admitted);
  const { text, shown } =
    admitted.length === 1
      ? { text: briefing(main.entry, main.text, { before, beforeThat: hidden, direct }), shown: new Map<Entry, Shown>() }
      : several(admitted, first.room, direct, before, hidden, reading.more);
  const missing = losses.of(place.room);
  const at = Date.now();
  live.requests.asked(...forMe.flatMap(({ entry, requests }) => requests.map((it) => incoming(entry, it, at))));
  const handed = new Set(delivered);
  if (!handed.has(main.entry)) live.turns.ahead(main.entry);
  const taken = forMe.map(({ entry }) => entry).filter((it) => handed.has(it) || it === main.entry);
  const outcome = await runTurn({
    ...options, ...place, cfg: place.cfg, entry: main.entry, taken, body: [...missing.sentences.map((it) => `[For your information: ${it}]`), text].join("\n"), access: main.access,
    owed: forMe.some(({ role }) => role === "request"), quiet: forMe.every(({ role }) => role === "answer"),
  });
  if (outcome.state !== "declined") {
    count(options, place.room);
    missing.told();
  }
  await endRequests(live, forMe.map(({ entry }) => entry), outcome, options.log);
  return { outcome, shown };
}

function incoming(entry: Entry, { requestId, replyTo, task, depth }: Asked, at: number): Incoming {
  return { requestId, entry: entryKey(entry), room: entry.room, replyTo, task, depth, at };
}

/** A turn was had; the owner hears of it when it was the last one. */
function count({ live, account, log, tellOwner }: InboundOptions, room: string): void {
  const stop = live.loops.had(room, roomRules(account, room).turns ?? account.turns);
  if (stop === undefined) return;
  log(stopSentence(stop));
  // The turn was had: an error from here on must not repeat it.
  try {
    tellOwner?.(`Bot Hub: ${stopSentence(stop)}`);
  } catch (error) {
    log(`the owner could not be told in the main session: ${messageOf(error)}`);
  }
}

/** What became of one message. */
function outcomeOf({ live }: InboundOptions, judged: Judged, turn: Turned | undefined, count: number): Outcome {
  if (judged.refused !== undefined) return judged.refused;
  const { entry, role } = judged;
  if (turn === undefined || turn.outcome.state === "declined") {
    if (role === "notice") return { state: "done", reason: "noted" };
    return role === "overheard" ? { state: "declined", reason: "not addressed to this bot" } : (turn?.outcome ?? { state: "done" });
  }
  const beyond = judged.beyond === 0 ? [] : [`the first ${judged.requests.length} of its requests are answered under their own ids, and ${judged.beyond} more are not`];
  const shown = turn.shown.get(entry) ?? "whole";
  if (shown === "named") return { state: "done", reason: `left out of a turn with ${count} messages: only its number was shown` };
  if (role === "notice") return { state: "done", reason: "noted" };
  if (role === "overheard") return { state: "done", reason: `read as background${shown === "whole" ? "" : ", shortened"}: not addressed to this bot` };
  const read = count === 1 ? [] : [`read${shown === "whole" ? "" : ", shortened,"} in one turn with ${count - 1} others`];
  const reason = beyond.length + read.length === 0 ? {} : { reason: [...beyond, ...read].join("; ") };
  if (turn.outcome.state !== "answered") return { ...reason, ...turn.outcome };
  const own = live.turns.find(entryKey(entry))?.reply;
  return { state: "answered", reply: own ?? turn.outcome.reply, ...reason };
}
