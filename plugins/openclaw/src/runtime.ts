// The host's runtime, as OpenClaw hands it over at registration.

import { createPluginRuntimeStore } from "openclaw/plugin-sdk/runtime-store";
import type { PluginRuntime } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID } from "./config.ts";

const store = createPluginRuntimeStore<PluginRuntime>({
  pluginId: CHANNEL_ID,
  errorMessage: "bot-hub was used before OpenClaw had registered it",
});
export const setRuntime = store.setRuntime;
export const getRuntime = store.getRuntime;
