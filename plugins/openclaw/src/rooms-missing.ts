// Rooms of the configuration in which the bot is not.
//
// Owns the sentences about it, for the log, the status and its probe.

/** For a room that somebody took the bot out of. */
export function expulsion(room: string, bot = "THIS_BOT"): string {
  return `this bot was taken out of room \`${room}\`; hint: an operator of the hub can run: bot-hub room add ${room} ${bot}`;
}

/** What a look at the hub says when the bot is not in every room that it should be in. */
export function missingRooms(configured: readonly string[], member: readonly string[]): string | undefined {
  const missing = configured.filter((room) => !member.includes(room));
  if (missing.length === 0) return undefined;
  const names = missing.map((room) => `\`${room}\``).join(", ");
  return `the hub answers, but this bot is not in ${names}; hint: it may have been taken out, or the room is closed: ask an operator of the hub to run: bot-hub room add ROOM BOT`;
}
