// The tools, by name: the manifest has to list them without loading any.

export const TOOL_NAMES = [
  "bot_hub_rooms",
  "bot_hub_history",
  "bot_hub_ask",
  "bot_hub_answer",
  "bot_hub_clarify",
  "bot_hub_handoff",
  "bot_hub_status",
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];
