// Which settings may be secrets that lie elsewhere: OpenClaw fills them in before it starts the channel.
//
// OpenClaw looks for this file by its name (`dist/secret-contract-api.js`), and loads nothing else of
// the plugin for it.

import { createSimpleChannelSecretContract } from "openclaw/plugin-sdk/channel-secret-basic-runtime";

export const channelSecrets = createSimpleChannelSecretContract({
  channelKey: "bot-hub",
  label: "Bot Hub",
  accountFields: ["token"],
  channelFields: ["token"],
  mode: "account-inheritance",
});

export const { secretTargetRegistryEntries, collectRuntimeConfigAssignments } = channelSecrets;
