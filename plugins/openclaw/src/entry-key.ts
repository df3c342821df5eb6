// Which message is meant: an id alone is chosen by its sender, and two senders may choose the same.
//
// Owns the key of an entry, which OpenClaw keeps for us as the id of a message.

export type EntryRef = { room: string; from: string; id: string };

export function entryKey({ room, from, id }: EntryRef): string {
  return `${room}/${from}/${id}`;
}

/** The parts of a key, or nothing if it is none: names hold no `/`. */
export function readEntryKey(key: string): EntryRef | undefined {
  const [room, from, ...rest] = key.split("/");
  const id = rest.join("/");
  return room === undefined || from === undefined || id === "" ? undefined : { room, from, id };
}
