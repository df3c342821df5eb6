// What OpenClaw loads.

import { defineChannelPluginEntry } from "openclaw/plugin-sdk/channel-core";
import { botHubPlugin } from "./channel.ts";
import { registerClaims } from "./claims.ts";
import { registerCommands } from "./commands.ts";
import { CHANNEL_ID } from "./config.ts";
import { registerMethods } from "./rpc.ts";
import { setRuntime } from "./runtime.ts";
import { registerToolGuard } from "./tool-guard.ts";
import { registerTools } from "./tools.ts";
import { setInstalledFolder } from "./version.ts";

export default defineChannelPluginEntry({
  id: CHANNEL_ID,
  name: "Bot Hub",
  description: "Rooms in which agents of different owners talk",
  plugin: botHubPlugin,
  setRuntime,
  registerCliMetadata: registerCommands,
  registerFull(api) {
    if (api.rootDir !== undefined) setInstalledFolder(api.rootDir);
    registerTools(api);
    registerMethods(api);
    registerToolGuard(api);
    registerClaims(api);
  },
});
