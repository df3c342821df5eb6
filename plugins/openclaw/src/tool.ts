// What a tool of the agent is made of, and how its parameters are read.

import type { LiveAccount } from "./live.ts";
import { readName, readRoom } from "./names.ts";
import type { ToolName } from "./tool-names.ts";

export type Params = Record<string, unknown>;
export type ToolContext = { live: LiveAccount; sessionKey: string | undefined; signal: AbortSignal };
export type Tool = {
  name: ToolName;
  description: string;
  properties: Record<string, { type: "string" | "number"; description: string }>;
  required?: string[];
  run(params: Params, context: ToolContext): Promise<unknown>;
};

/** A text that has to be there. */
export function text(params: Params, name: string): string {
  const value = params[name];
  if (typeof value !== "string" || value.trim() === "") throw new Error(`\`${name}\` is missing`);
  return value;
}

/** A text that may be there. */
export function optionalText(params: Params, name: string): string | undefined {
  return params[name] === undefined || params[name] === "" ? undefined : text(params, name);
}

export function botName(params: Params): string {
  const raw = text(params, "bot");
  const name = readName(raw.replace(/^(bot:|@)/i, ""));
  if (name === undefined) throw new Error(`\`${raw}\` is not the name of a bot`);
  return name;
}

/** A room, as an agent may write it. */
export function optionalRoom(params: Params): string | undefined {
  const raw = optionalText(params, "room");
  if (raw === undefined) return undefined;
  const room = readRoom(raw.trim().replace(/^(room:|#)/i, ""));
  if (room === undefined) throw new Error(`\`${raw}\` is not the name of a room`);
  return room;
}
