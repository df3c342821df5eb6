// What `openclaw channels add` loads: the channel without its tools and commands.

import { defineSetupPluginEntry } from "openclaw/plugin-sdk/channel-core";
import { botHubPlugin } from "./channel.ts";

export default defineSetupPluginEntry(botHubPlugin);
