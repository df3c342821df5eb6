// A small JSON file that survives a crash: written beside, flushed, and moved into place.
//
// OpenClaw's own durable stores are closed to plugins of third parties, and what is in here is
// small (open turns, unacknowledged messages), so each change rewrites the file. Synchronous on
// purpose: what is written before the next frame leaves must be on the disk by then.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export type JsonFile = {
  /** Nothing for a file that is not there; one that cannot be read is set aside. */
  read(): unknown;
  /** Throws where the disk is full: what is promised by it must not be promised then. */
  write(value: unknown): void;
  /** Never throws: what has happened stays true without a disk. It is written as soon as that is possible. */
  keep(value: unknown): void;
};

/** So often a file is tried again that could not be written. */
const AGAIN_MS = 10_000;

/** The state directory cannot be written to. */
export class StateUnwritable extends Error {
  constructor(path: string, cause: unknown) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOSPC" || code === "EDQUOT" ? "the disk is full" : String(code ?? cause);
    super(`\`${path}\` cannot be written: ${why}; hint: make room in OpenClaw's state directory, it is tried again`, { cause });
    this.name = "StateUnwritable";
  }
}

export function jsonFile(path: string, warn: (text: string) => void): JsonFile {
  let unwritten: { value: unknown } | undefined;
  const again = () => setTimeout(() => unwritten !== undefined && file.keep(unwritten.value), AGAIN_MS).unref();
  const file: JsonFile = {
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
      try {
        replace(path, JSON.stringify(value));
      } catch (error) {
        throw new StateUnwritable(path, error);
      }
      unwritten = undefined;
    },
    keep(value) {
      try {
        file.write(value);
      } catch (error) {
        if (unwritten === undefined) warn((error as Error).message);
        unwritten = { value };
        again();
      }
    },
  };
  return file;
}

function replace(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.new`;
  const file = openSync(beside, "w", 0o600);
  try {
    // Not `writeSync`: on a full disk that writes a part, and says so only in its result.
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}

/** For tests and for side connections, which have nothing to remember. */
export function memoryFile(start?: unknown): JsonFile & { value: unknown } {
  const file = {
    value: start,
    read: () => file.value,
    write: (value: unknown) => void (file.value = JSON.parse(JSON.stringify(value)) as unknown),
    keep: (value: unknown) => file.write(value),
  };
  return file;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
