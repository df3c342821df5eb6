// The gateway methods of the plugin: what a program can ask a running gateway.

import type { OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { liveAccounts } from "./live.ts";
import { LOADED_VERSION, versionMismatch } from "./version.ts";

export function registerMethods(api: OpenClawPluginApi): void {
  api.registerGatewayMethod(
    "bothub.status",
    async ({ respond }) => {
      const accounts = [...liveAccounts].map(([id, { client, turns, requests }]) => ({
        id, bot: client.bot, connected: client.connected, unsent: client.unsent,
        rooms: [...client.rooms.keys()], openTurns: turns.open, openRequests: requests.open,
      }));
      respond(true, { plugin: LOADED_VERSION, mismatch: versionMismatch() ?? null, accounts });
    },
    { scope: "operator.read" },
  );
}
