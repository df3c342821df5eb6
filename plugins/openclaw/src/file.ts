// A small JSON file that survives a crash: written beside, flushed, and moved into place.
//
// OpenClaw's own durable stores are closed to plugins of third parties, and what is in here is
// small (open turns, unacknowledged messages), so each change rewrites the file. Synchronous on
// purpose: what is written before the next frame leaves must be on the disk by then.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** `read` gives nothing for a file that is not there; one that cannot be read is set aside. */
export type JsonFile = { read(): unknown; write(value: unknown): void };

export function jsonFile(path: string, warn: (text: string) => void): JsonFile {
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        const aside = `${path}.corrupt`;
        renameSync(path, aside);
        warn(`\`${path}\` is damaged and was moved to \`${aside}\`: ${String(error)}`);
        return undefined;
      }
    },
    write(value) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const beside = `${path}.new`;
      const file = openSync(beside, "w", 0o600);
      try {
        // Not `writeSync`: on a full disk that writes a part, and says so only in its result.
        writeFileSync(file, JSON.stringify(value));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(beside, path);
    },
  };
}

/** For tests and for side connections, which have nothing to remember. */
export function memoryFile(start?: unknown): JsonFile & { value: unknown } {
  const file = {
    value: start,
    read: () => file.value,
    write: (value: unknown) => void (file.value = JSON.parse(JSON.stringify(value)) as unknown),
  };
  return file;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
