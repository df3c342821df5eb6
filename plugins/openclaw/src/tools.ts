// The agent's tools, as OpenClaw is told of them.
//
// Owns registration and which account a tool works for; what a tool does lives with the tool.

import type { OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { messageOf } from "./errors.ts";
import { liveAccounts, type LiveAccount } from "./live.ts";
import { HOUSE_RULES } from "./house-rules.ts";
import type { Params } from "./tool.ts";
import { conversationOfSession } from "./tool-policy.ts";
import { ASK_TOOLS } from "./tools-ask.ts";
import { LOOK_TOOLS } from "./tools-look.ts";

export function registerTools(api: OpenClawPluginApi): void {
  for (const tool of [...LOOK_TOOLS, ...ASK_TOOLS]) {
    const { name, description, properties, required = [] } = tool;
    const parameters = { type: "object" as const, properties, required, additionalProperties: false };
    api.registerTool(
      (context) => ({
        name,
        label: name.replaceAll("_", " "),
        description: name === "bot_hub_rooms" ? withRules(description, context.sessionKey) : description,
        parameters,
        // In the model's request by their own names, and not behind OpenClaw's search for tools.
        catalogMode: "direct-only" as const,
        async execute(_id: string, params: unknown, signal?: AbortSignal) {
          const live = liveOf(context.agentAccountId);
          const own = { live, sessionKey: context.sessionKey, signal: signal ?? new AbortController().signal };
          const details = await tool.run((params ?? {}) as Params, own).catch((error: unknown) => ({ error: messageOf(error) }));
          return { content: [{ type: "text" as const, text: JSON.stringify(details) }], details };
        },
      }),
      { name },
    );
  }
}

/** A turn that goes on after a crash has no system prompt of this channel, but its tools. */
function withRules(description: string, sessionKey: string | undefined): string {
  return conversationOfSession(sessionKey) === undefined ? description : `${description} In this conversation: ${HOUSE_RULES}`;
}

/** The account of the turn; where OpenClaw does not say, the only one there is. */
function liveOf(accountId: string | undefined): LiveAccount {
  const named = accountId === undefined ? undefined : liveAccounts.get(accountId);
  const live = named ?? (liveAccounts.size === 1 ? [...liveAccounts.values()][0] : undefined);
  if (live === undefined) throw new Error("the Bot Hub account of this agent does not run");
  return live;
}
