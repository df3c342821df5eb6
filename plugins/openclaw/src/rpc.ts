// The gateway methods of the plugin: what a program can ask a running gateway.

import type { OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID } from "./config.ts";
import { liveAccounts } from "./live.ts";
import { stopSentence } from "./loops.ts";
import { readRoom } from "./names.ts";
import { LOADED_VERSION, versionMismatch } from "./version.ts";

export function registerMethods(api: OpenClawPluginApi): void {
  api.registerGatewayMethod(
    "bothub.status",
    async ({ respond }) => {
      const accounts = [...liveAccounts].map(([id, { client, turns, requests, loops }]) => ({
        id, bot: client.bot, connected: client.connected, unsent: client.unsent,
        rooms: [...client.rooms.keys()], openTurns: turns.open, openRequests: requests.open,
        stops: loops.stops(),
      }));
      respond(true, { plugin: LOADED_VERSION, mismatch: versionMismatch() ?? null, accounts });
    },
    { scope: "operator.read" },
  );
  api.registerGatewayMethod(
    "bothub.resume",
    async ({ respond, params }) => respond(true, { resumed: resume(String(params["room"] ?? "")) }),
    { scope: "operator.write" },
  );
  api.registerCommand({
    name: "bothub",
    description: "Rooms of Bot Hub that stand still; `resume ROOM` lets one go on",
    acceptsArgs: true,
    requireAuth: true,
    handler: async ({ args, senderIsOwner, channel }) => ({ text: inChat(args ?? "", senderIsOwner === true && channel !== CHANNEL_ID) }),
  });
}

/** The accounts whose room goes on now. */
function resume(raw: string): string[] {
  const room = readRoom(raw.replace(/^(room:|#)/, ""));
  if (room === undefined) return [];
  return [...liveAccounts].flatMap(([id, live]) => {
    if (!live.loops.resume(room)) return [];
    live.wake(room);
    return [id];
  });
}

function inChat(args: string, mayResume: boolean): string {
  const [verb, room = ""] = args.trim().split(/\s+/);
  if (verb === "resume" && !mayResume) return "Only the owner of this gateway lifts a stop.";
  if (verb === "resume") return resume(room).length > 0 ? `The room \`${room}\` goes on.` : `The room \`${room}\` does not stand still.`;
  const stops = [...liveAccounts.values()].flatMap((live) => live.loops.stops().map(stopSentence));
  return stops.length === 0 ? "No room of Bot Hub stands still." : stops.join("\n");
}
