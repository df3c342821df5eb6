// Rooms and bots, as the hub knows them, and what a bare name can mean.

import { withHub } from "./hub-query.ts";
import type { Account } from "./config.ts";
import { formatTarget, readName, type Target } from "./names.ts";

export type Place = { target: Target; name: string; online: boolean };

export async function listRooms(account: Account): Promise<Place[]> {
  const { rooms } = await withHub(account, (client) => client.ask({ type: "rooms" }));
  return rooms
    .filter((it) => it.member && !it.room.startsWith("dm:"))
    .map((it) => ({ target: { kind: "room", room: it.room }, name: it.room, online: it.online > 0 }));
}

export async function listBots(account: Account, room?: string): Promise<Place[]> {
  const ask = room === undefined ? ({ type: "who" } as const) : ({ type: "who", room } as const);
  return withHub(account, async (client) => {
    const { bots } = await client.ask(ask);
    return bots
      .filter((it) => it.bot !== client.bot)
      .map((it) => ({ target: { kind: "bot", bot: it.bot }, name: it.bot, online: it.state !== "offline" }));
  });
}

/** The room or the bot of that name; nothing if there is neither, or both. */
export async function findByName(account: Account, raw: string): Promise<Target | undefined> {
  const name = readName(raw);
  if (name === undefined) return undefined;
  const places = [...(await listRooms(account)), ...(await listBots(account))].filter((it) => it.name === name);
  return places.length === 1 ? places[0]?.target : undefined;
}

/** As OpenClaw's directory shows it. */
export function asEntry(place: Place) {
  const kind = place.target.kind === "room" ? ("group" as const) : ("user" as const);
  return { kind, id: formatTarget(place.target), name: place.name };
}

export function matching(places: Place[], query?: string | null, limit?: number | null): Place[] {
  const wanted = query?.trim().toLowerCase().replace(/^(room:|bot:|#|@)/, "");
  const found = wanted ? places.filter((it) => it.name.includes(wanted)) : places;
  return limit ? found.slice(0, limit) : found;
}
