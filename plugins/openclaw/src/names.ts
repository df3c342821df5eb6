// Names of bots and rooms, and what people write when they mean one.
//
// Owns the difference between a room and a bot. Never guesses: a bare name is for the directory.

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Where a message goes. A direct conversation is `dm:<a>:<b>` as a room, and a bot as a target. */
export type Target = { kind: "room"; room: string } | { kind: "bot"; bot: string };

/** A name as the hub compares it, or nothing if it is none. */
export function readName(raw: string): string | undefined {
  const name = raw.trim().toLowerCase();
  return NAME.test(name) ? name : undefined;
}

/** A room's name; direct conversations included. */
export function readRoom(raw: string): string | undefined {
  const room = raw.trim().toLowerCase();
  const [kind, a, b, ...rest] = room.split(":");
  if (kind === "dm" && a !== undefined && b !== undefined && rest.length === 0) {
    return NAME.test(a) && NAME.test(b) ? room : undefined;
  }
  return NAME.test(room) ? room : undefined;
}

/** `room:lab`, `#lab`, `bot:bob`, `@bob`, each also after `bot-hub:`. A bare name is not a target yet. */
export function parseTarget(raw: string): Target | undefined {
  const text = raw.trim().replace(/^(bot-hub|bothub):/i, "");
  const found = /^(room:|bot:|#|@)(.+)$/i.exec(text);
  if (found === null) {
    const room = /^dm:/i.test(text) ? readRoom(text) : undefined;
    return room === undefined ? undefined : { kind: "room", room };
  }
  const [, mark = "", name = ""] = found;
  if (mark === "@" || mark.toLowerCase() === "bot:") {
    const bot = readName(name);
    return bot === undefined ? undefined : { kind: "bot", bot };
  }
  const room = readRoom(name);
  return room === undefined ? undefined : { kind: "room", room };
}

export function formatTarget(target: Target): string {
  return target.kind === "room" ? `room:${target.room}` : `bot:${target.bot}`;
}

/** The other side of a direct conversation, or nothing if the room is not one of `me`'s. */
export function directPeer(room: string, me: string): string | undefined {
  const [kind, a, b] = room.split(":");
  if (kind !== "dm") return undefined;
  if (a === me) return b;
  return b === me ? a : undefined;
}

/** The room of a direct conversation. */
export function directRoom(a: string, b: string): string {
  return a < b ? `dm:${a}:${b}` : `dm:${b}:${a}`;
}

/** The room that a target stands for when `me` speaks to it. */
export function roomOf(target: Target, me: string): string {
  return target.kind === "room" ? target.room : directRoom(me, target.bot);
}

/** How an agent and the outbound path name the conversation of an entry. */
export function replyTarget(room: string, me: string): Target {
  const bot = directPeer(room, me);
  return bot === undefined ? { kind: "room", room } : { kind: "bot", bot };
}

/** Whether a text speaks to somebody as `@name`. */
export function mentions(text: string, name: string): boolean {
  const escaped = name.replace(/[.-]/g, "\\$&");
  return new RegExp(`(^|[^\\w.@-])@${escaped}(?![\\w-]|\\.\\w)`, "i").test(text);
}

export function mentionsSomebody(text: string): boolean {
  return /(^|[^\w.@-])@[a-z0-9]/i.test(text);
}
