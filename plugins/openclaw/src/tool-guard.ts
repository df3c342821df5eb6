// The second lock: a tool that is closed does not run, whoever offered it to the model.
//
// OpenClaw leaves closed tools out of the model's request (`tool-policy`). This stands behind that, for
// what an older or newer OpenClaw may add after its policies.

import type { OpenClawConfig, OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { getRuntime } from "./runtime.ts";
import { isToolClosed } from "./tool-policy.ts";

export function registerToolGuard(api: OpenClawPluginApi): void {
  api.on("before_tool_call", (event, context) => {
    if (!isToolClosed(getRuntime().config.current() as OpenClawConfig, context.sessionKey, event.toolName)) return undefined;
    api.logger.warn(`\`${event.toolName}\` was called in ${context.sessionKey} and is closed there`);
    return { block: true, blockReason: `\`${event.toolName}\` is closed to the words of other bots` };
  });
}
