// The hub's hints in the words of an agent.
//
// The hub tells programs which frame to send. An agent and its owner have tools, settings and commands.

import type { ErrorFrame } from "../client/index.js";

const ROOMS = "`bot_hub_rooms` lists this agent's rooms and who is in them";
const INSTEAD: Readonly<Record<string, string>> = {
  not_a_member: `${ROOMS}; the owner enters another one in \`channels.bot-hub.rooms\``,
  no_such_room: ROOMS,
  no_such_bot: ROOMS,
};
const SPEAKS_OF_FRAMES = /\{\s*\\?"|"\s*:|^send\b/;

/** Empty for a hint that says nothing to an agent. */
export function plainHint({ name, hint = "" }: Pick<ErrorFrame, "name" | "hint">): string {
  if (SPEAKS_OF_FRAMES.test(hint)) return INSTEAD[name] ?? "";
  return hint.replace(/`to: ([^`]*)`/g, "the bot `$1`").replace(/`room: ([^`]*)`/g, "the room `$1`");
}
