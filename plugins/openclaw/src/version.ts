// Which code runs, and which is installed.

import { readFileSync } from "node:fs";

function installedVersion(): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    return String((manifest as { version?: unknown }).version ?? "unknown");
  } catch {
    return "unknown";
  }
}

/** The version that was on disk when this code was loaded. */
export const LOADED_VERSION = installedVersion();

/** A sentence if somebody installed another version since. */
export function versionMismatch(): string | undefined {
  const installed = installedVersion();
  return installed === LOADED_VERSION ? undefined : mismatchSentence(LOADED_VERSION, installed);
}

export function mismatchSentence(runs: string, installed: string): string {
  return `version ${runs} of the plugin runs, but ${installed} is installed; hint: \`openclaw plugins reload bot-hub\``;
}
