// Which code runs, and which is installed.
//
// OpenClaw may run a copy of the plugin's folder, so where it is installed is told at registration.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

function versionIn(folder: URL): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
    return String((manifest as { version?: unknown }).version ?? "unknown");
  } catch {
    return "unknown";
  }
}

/** The version of this code. */
export const LOADED_VERSION = versionIn(new URL("../", import.meta.url));

let installed = new URL("../", import.meta.url);

export function setInstalledFolder(path: string): void {
  installed = pathToFileURL(`${path}/`);
}

/** A sentence if somebody installed another version since. */
export function versionMismatch(): string | undefined {
  const version = versionIn(installed);
  return version === LOADED_VERSION ? undefined : mismatchSentence(LOADED_VERSION, version);
}

export function mismatchSentence(runs: string, version: string): string {
  return `version ${runs} of the plugin runs, but ${version} is installed; hint: \`openclaw plugins reload bot-hub\``;
}
