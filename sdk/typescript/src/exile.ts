// Rooms that somebody took this bot out of.
//
// Owns that the bot stays out: the configuration still names such a room, and a room that is open would take
// it back at the next connection. It is back when an operator adds it, or when its owner takes the room out
// of the configuration and puts it in again. The hub says so while the bot is connected; what happened while
// it was away shows in the rooms that it was in before and is not in now. A hub that was restored is another
// matter: its epoch differs, and the bot joins as the configuration says.

import { isRecord, type JsonFile } from "./file.ts";

type Known = { epoch: string; member: string[]; exiled: string[] };

export class Exile {
  readonly #file: JsonFile;
  #known: Known;

  constructor(file: JsonFile, configured: readonly string[]) {
    this.#file = file;
    const { epoch, member, exiled } = readKnown(file.read());
    const kept = (rooms: string[]) => rooms.filter((room) => configured.includes(room));
    this.#known = { epoch, member: kept(member), exiled: kept(exiled) };
    if (this.#known.member.length + this.#known.exiled.length < member.length + exiled.length) file.keep(this.#known);
  }

  get rooms(): readonly string[] {
    return this.#known.exiled;
  }

  expelled(room: string): void {
    const { member, exiled } = this.#known;
    this.#save({ member: without(member, room), exiled: [...without(exiled, room), room] });
  }

  admitted(room: string): void {
    const { member, exiled } = this.#known;
    if (member.includes(room) && !exiled.includes(room)) return;
    this.#save({ member: [...without(member, room), room], exiled: without(exiled, room) });
  }

  /** The rooms to join at a new connection, at which the bot is a member of `member`. */
  wanted(configured: readonly string[], member: ReadonlySet<string>, epoch: string): string[] {
    if (epoch !== this.#known.epoch) this.#save({ epoch, member: [], exiled: [] });
    for (const room of this.#known.member) if (!member.has(room)) this.expelled(room);
    for (const room of configured) if (member.has(room)) this.admitted(room);
    return configured.filter((room) => !member.has(room) && !this.#known.exiled.includes(room));
  }

  #save(change: Partial<Known>): void {
    this.#known = { ...this.#known, ...change };
    this.#file.keep(this.#known);
  }
}

function without(rooms: readonly string[], room: string): string[] {
  return rooms.filter((it) => it !== room);
}

function readKnown(found: unknown): Known {
  const read = isRecord(found) ? found : {};
  const list = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  return { epoch: String(read["epoch"] ?? ""), member: list(read["member"]), exiled: list(read["exiled"]) };
}
