// Where an account keeps what has to survive a crash.

import { join } from "node:path";
import { type FileEvents, type JsonFile, jsonFile } from "../client/index.js";
import { CHANNEL_ID, type Account } from "./config.ts";

export type AccountFiles = { outbox: JsonFile; turns: JsonFile; requests: JsonFile; seen: JsonFile; loops: JsonFile; exile: JsonFile; losses: JsonFile };

export function accountFiles(stateDir: string, account: Account, events: FileEvents): AccountFiles {
  const name = account.accountId.replace(/[^\w.-]/g, "_");
  const file = (what: string) => jsonFile(join(stateDir, CHANNEL_ID, `${name}.${what}.json`), events);
  return { outbox: file("outbox"), turns: file("turns"), requests: file("requests"), seen: file("seen"), loops: file("loops"), exile: file("exile"), losses: file("losses") };
}
