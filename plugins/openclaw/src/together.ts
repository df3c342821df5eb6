// One turn for everything that waits in a room, and what it means for each message.
//
// Owns the receipts of such a turn: each says what happened to its own message. Never talks to the hub
// by itself.

import { briefing } from "./briefing.ts";
import { isAdmitted, roomRules } from "./config.ts";
import { entryKey } from "./entry-key.ts";
import type { Entry } from "./hub-client.ts";
import type { InboundOptions, Judge, Judged, Place } from "./judge.ts";
import { stopSentence } from "./loops.ts";
import { endRequests } from "./requests-end.ts";
import type { Rooms } from "./rooms.ts";
import { several, type Shown } from "./several.ts";
import { runTurn } from "./turn.ts";
import type { Outcome } from "./turns.ts";

type Together = {
  options: InboundOptions;
  rooms: Rooms;
  judge: Judge;
  delivered: readonly Entry[];
  /** In the log, and not delivered yet. */
  ahead: readonly Entry[];
  more: boolean;
};
type Admitted = Exclude<Judged, { refused: Outcome }>;

export async function readTogether({ options, rooms, judge, delivered, ahead, more }: Together): Promise<void> {
  const { live } = options;
  const all = [...delivered, ...ahead];
  const place = await judge.place((all[0] as Entry).room);
  const persons = new Set(place.members.filter((it) => it.isPerson).map((it) => it.bot));
  live.loops.heard(place.room, { isPerson: all.some((it) => persons.has(it.from)), others: place.members.length - 1 });
  const judged: Judged[] = [];
  for (const entry of all) judged.push(await judge.judge(entry, place));
  const admitted = judged.filter((it): it is Admitted => it.refused === undefined);
  const forMe = admitted.filter(({ role }) => role === "talk" || role === "request" || role === "answer");
  const turn = forMe.length === 0 ? undefined : await oneTurn(options, rooms, place, { admitted, forMe, delivered, more });
  const outcomes = new Map<string, Outcome>();
  const late = new Set(ahead);
  for (const it of judged) {
    const outcome = outcomeOf(options, it, turn, admitted.length);
    // The turn is known by one of them, so that one has an end here, too.
    if (late.has(it.entry) && live.turns.find(entryKey(it.entry)) === undefined) outcomes.set(entryKey(it.entry), outcome);
    else live.turns.end(it.entry, outcome);
  }
  const last = all.at(-1) as Entry;
  if (late.size > 0) rooms.readAhead(last.room, outcomes, last.seq);
  if (turn !== undefined) rooms.saw(last);
}

type Turned = { outcome: Outcome; shown: Map<Entry, Shown> };
type Reading = { admitted: readonly Admitted[]; forMe: readonly Admitted[]; delivered: readonly Entry[]; more: boolean };

async function oneTurn(options: InboundOptions, rooms: Rooms, place: Place, reading: Reading): Promise<Turned> {
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
  for (const { entry, requests } of forMe) {
    for (const { requestId, replyTo, task, depth } of requests) {
      live.requests.asked({ requestId, entry: entryKey(entry), room: entry.room, replyTo, task, depth, at: Date.now() });
    }
  }
  const handed = new Set(delivered);
  if (!handed.has(main.entry)) live.turns.ahead(main.entry);
  const taken = forMe.map(({ entry }) => entry).filter((it) => handed.has(it) || it === main.entry);
  const outcome = await runTurn({
    ...options, ...place, cfg: place.cfg, entry: main.entry, taken, body: text, access: main.access,
    owed: forMe.some(({ role }) => role === "request"), quiet: forMe.every(({ role }) => role === "answer"),
  });
  if (outcome.state !== "declined") count(options, place.room);
  await endRequests(live, forMe.map(({ entry }) => entry), outcome, options.log);
  return { outcome, shown };
}

/** A turn was had; the owner hears of it when it was the last one. */
function count({ live, account, log, tellOwner }: InboundOptions, room: string): void {
  const stop = live.loops.had(room, roomRules(account, room).turns ?? account.turns);
  if (stop === undefined) return;
  log(stopSentence(stop));
  tellOwner?.(`Bot Hub: ${stopSentence(stop)}`);
}

/** What became of one message. */
function outcomeOf({ live }: InboundOptions, judged: Judged, turn: Turned | undefined, count: number): Outcome {
  if (judged.refused !== undefined) return judged.refused;
  const { entry, role } = judged;
  if (turn === undefined || turn.outcome.state === "declined") {
    if (role === "notice") return { state: "done", reason: "noted" };
    return role === "overheard" ? { state: "declined", reason: "not addressed to this bot" } : (turn?.outcome ?? { state: "done" });
  }
  const shown = turn.shown.get(entry) ?? "whole";
  if (shown === "named") return { state: "done", reason: `left out of a turn with ${count} messages: only its number was shown` };
  if (role === "notice") return { state: "done", reason: "noted" };
  if (role === "overheard") return { state: "done", reason: `read as background${shown === "whole" ? "" : ", shortened"}: not addressed to this bot` };
  const reason = count === 1 ? {} : { reason: `read${shown === "whole" ? "" : ", shortened,"} in one turn with ${count - 1} others` };
  if (turn.outcome.state !== "answered") return { ...reason, ...turn.outcome };
  const own = live.turns.find(entryKey(entry))?.reply;
  return { state: "answered", reply: own ?? turn.outcome.reply, ...reason };
}
