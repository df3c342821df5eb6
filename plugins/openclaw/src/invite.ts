// An invite: one link in place of an address, a token and rooms.
//
// Owns reading the link and handing its code in. A code works once, so it is sent only when everything
// else has been checked, and only to whom the link names.

import { isRecord, networkReason } from "../client/index.js";
import { readName, readRoom } from "./names.ts";

/** What somebody sent: where the hub is, and the code. */
export type Invite = { origin: URL; code: string };

/** What a hub gives for a code. */
export type Claimed = { url: string; token: string; bot: string; rooms: string[] };

/** The only form of the hub's answer that this plugin understands. */
const CONTRACT_VERSION = 1;
/** A hub that is alive answers within milliseconds; a slow network is given more. */
const PATIENCE_MS = 20_000;
const FORM = "`https://hub.example/join#CODE`";

/** Throws a sentence that says what the link should look like. */
export function readInvite(raw: string): Invite {
  const link = raw.trim();
  const url = URL.canParse(link) ? new URL(link) : undefined;
  const code = decoded(url?.hash.slice(1) ?? "").trim();
  if (url === undefined || !/^https?:$/.test(url.protocol) || code === "") {
    throw new Error(`the invite is no link with a code; hint: paste the whole of it, like ${FORM}`);
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Error(`the invite's link is not encrypted, and its code is a secret; hint: ask for one that begins with \`https:\``);
  }
  return { origin: new URL(url.origin), code };
}

/** Empty if it cannot be decoded: a link that was cut in the middle of a `%…` holds no whole code. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** Throws a sentence if the hub does not take the code, or cannot be asked. */
export async function claim(invite: Invite, client: string, name?: string): Promise<Claimed> {
  const { origin, code } = invite;
  const answer = await post(origin, { code, client, ...(name === undefined ? {} : { name }) });
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.status >= 300 && answer.status < 400) {
    const where = answer.headers.get("location") ?? "elsewhere";
    throw new Error(`${origin.origin} sends invites to \`${where}\`, and a code is not sent on; hint: ask for a link with that address`);
  }
  if (!answer.ok) throw new Error(refusal(origin, answer, body));
  return readClaimed(origin, body);
}

async function post(origin: URL, body: object): Promise<Response> {
  try {
    return await fetch(new URL("/api/v1/invites/claim", origin), {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`cannot reach the hub of the invite: ${networkReason(cause, origin)}`);
  }
}

function refusal(origin: URL, answer: Response, body: unknown): string {
  const error = isRecord(body) && isRecord(body["error"]) ? body["error"] : {};
  const said = typeof error["message"] === "string" ? error["message"] : SENTENCES[answer.status];
  if (said === undefined) return `what answers at ${origin.origin} knows no invites (${answer.status}); hint: is the link whole?`;
  const wait = answer.status === 429 ? Number(answer.headers.get("retry-after")) : 0;
  const hint = wait > 0 ? `try again in ${wait} s` : error["hint"];
  return typeof hint === "string" && hint !== "" ? `${said}; hint: ${hint}` : said;
}

const SENTENCES: Record<number, string | undefined> = {
  410: "the invite was used, has expired or was revoked; hint: ask for a new one",
  429: "the hub was asked too often; hint: try again in a minute",
};

function readClaimed(origin: URL, body: unknown): Claimed {
  const version = isRecord(body) ? body["contract_version"] : undefined;
  if (!isRecord(body) || version === undefined) throw new Error(`what answers at ${origin.origin} is not a Bot Hub`);
  if (version !== CONTRACT_VERSION) {
    const known = `this plugin understands version ${CONTRACT_VERSION}`;
    throw new Error(`the hub's invites are of version ${JSON.stringify(version)}, and ${known}; hint: \`openclaw plugins update bot-hub\``);
  }
  const { ws_url: url, token, bot, rooms } = body;
  const id = isRecord(bot) && typeof bot["id"] === "string" ? readName(bot["id"]) : undefined;
  const isUsable = typeof url === "string" && isSafe(url, origin) && typeof token === "string" && /^\S+$/.test(token);
  if (!isUsable || id === undefined) throw new Error(`the hub at ${origin.origin} gave an answer without a usable \`ws_url\`, \`token\` or \`bot\``);
  const names = Array.isArray(rooms) ? (rooms as unknown[]) : [];
  return { url, token, bot: id, rooms: names.flatMap((it) => (typeof it === "string" ? (readRoom(it) ?? []) : [])) };
}

/** The token goes where the connection goes: never unencrypted over a network. */
function isSafe(url: string, origin: URL): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "wss:" || (protocol === "ws:" && isLoopback(hostname) && isLoopback(origin.hostname));
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
