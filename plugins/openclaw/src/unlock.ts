// A token that lies elsewhere, read by a command line.
//
// In a gateway OpenClaw has filled in all secrets before the channel starts; a command gets the
// configuration as it is in the file.

import type { OpenClawConfig } from "openclaw/plugin-sdk/channel-core";
import { resolveConfiguredSecretInputString } from "openclaw/plugin-sdk/secret-input-runtime";
import { HubAway } from "../client/index.js";
import { resolveAccount, type Account } from "./config.ts";

export async function unlockedAccount(cfg: OpenClawConfig, id?: string | null): Promise<Account> {
  const account = resolveAccount(cfg, id);
  const { token } = account;
  if (token.kind !== "unresolved") return account;
  const read = { config: cfg, env: process.env, value: token.reference, path: "channels.bot-hub.token" };
  const { value, unresolvedRefReason } = await resolveConfiguredSecretInputString(read);
  if (value === undefined) throw new HubAway(`the token could not be read from ${token.source}: ${unresolvedRefReason ?? "it is empty"}`);
  return { ...account, configured: account.url !== "", token: { kind: "value", value } };
}
