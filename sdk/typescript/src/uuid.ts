// Ids of messages, chosen here so that a message can be sent again without being said twice.

import { createHash, randomBytes } from "node:crypto";

/** A UUIDv7: sorts by time, and is unique over programs and restarts. */
export function uuid7(now = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return dashed(bytes.toString("hex"));
}

/**
 * The id of something that may be said again after a crash: the same each time, so that
 * the hub answers `duplicate` instead of storing it twice. Version 8 is for such ids.
 */
export function stableId(...parts: ReadonlyArray<string | number>): string {
  const bytes = createHash("sha256").update(parts.join("\u0000")).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return dashed(bytes.toString("hex"));
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
