// A small JSON file that survives a crash: written beside, flushed, and moved into place.
//
// What is in here is small (open turns, unacknowledged messages), so each change rewrites the file.
// Synchronous on purpose: what is written before the next frame leaves must be on the disk by then.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export type JsonFile = {
  /** Nothing for a file that is not there; one that cannot be read is set aside. */
  read(): unknown;
  /** Throws where the disk is full: the caller must not promise then what this file was to remember. */
  write(value: unknown): void;
  /** Never throws: what has happened stays true without a disk. The value is written as soon as the disk takes it. */
  keep(value: unknown): void;
};

/** Calls about a file: it is damaged or cannot be written, or a write went through again after that. */
export type FileEvents = { trouble(problem: string): void; better(problem: string): void };

/** After a failed write the file is tried again in this interval. */
const AGAIN_MS = 10_000;
/**
 * What the disk did not take yet, by path: an account that starts anew opens the same file. It must know what its
 * predecessor kept, and the predecessor's timer must not overwrite what it writes itself.
 */
const unwritten = new Map<string, { value: unknown; timer: NodeJS.Timeout }>();

/** The file's folder cannot be written to. */
export class StateUnwritable extends Error {
  constructor(path: string, cause: unknown) {
    const { code } = cause as NodeJS.ErrnoException;
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    const [why, hint] = isFull ? ["the disk is full", "make room on that disk"] : [String(code ?? cause), "let this program write to that folder"];
    super(`\`${path}\` cannot be written: ${why}; hint: ${hint}`, { cause });
    this.name = "StateUnwritable";
  }
}

export function jsonFile(path: string, events: FileEvents): JsonFile {
  let problem: string | undefined;
  const file: JsonFile = {
    read() {
      const waiting = unwritten.get(path);
      if (waiting !== undefined) return JSON.parse(JSON.stringify(waiting.value)) as unknown;
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
        events.trouble(`\`${path}\` is damaged and was moved to \`${aside}\`: ${String(error)}`);
        return undefined;
      }
    },
    write(value) {
      try {
        replace(path, JSON.stringify(value));
      } catch (error) {
        const unwritable = new StateUnwritable(path, error);
        if (problem === undefined) events.trouble(unwritable.message);
        problem = unwritable.message;
        throw unwritable;
      }
      if (problem !== undefined) events.better(problem);
      problem = undefined;
      clearInterval(unwritten.get(path)?.timer);
      unwritten.delete(path);
    },
    keep(value) {
      try {
        file.write(value);
      } catch {
        const waiting = unwritten.get(path);
        if (waiting !== undefined) return void (waiting.value = value);
        const timer = setInterval(() => file.keep(unwritten.get(path)?.value), AGAIN_MS).unref();
        unwritten.set(path, { value, timer });
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
