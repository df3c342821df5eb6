import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { claim, readInvite } from "./invite.ts";

const GIVEN = {
  contract_version: 1, api_base_url: "https://hub", ws_url: "wss://hub/ws", token: "bh_bot_x", bot: { id: "pelouse" }, rooms: ["lab"], defaults: {},
};

/** A hub that gives one answer, and the body that it was sent. */
async function hub(answer: { status?: number; body?: unknown; headers?: Record<string, string> }) {
  const heard: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      heard.push(`${request.method} ${request.url} ${text}`);
      response.writeHead(answer.status ?? 200, answer.headers).end(JSON.stringify(answer.body ?? GIVEN));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const link = `http://127.0.0.1:${(server.address() as AddressInfo).port}/join#K7QF-2M9D`;
  return { link, heard, [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))) };
}

test("a code becomes an address, a token and rooms", async () => {
  await using at = await hub({});
  const claimed = await claim(readInvite(` ${at.link}\n`), "openclaw/1", "pelouse");
  assert.deepEqual(claimed, { url: "wss://hub/ws", token: "bh_bot_x", bot: "pelouse", rooms: ["lab"] });
  assert.deepEqual(at.heard, ['POST /api/v1/invites/claim {"code":"K7QF-2M9D","client":"openclaw/1","name":"pelouse"}']);
});

test("a link that is none, or that would show the code to the network, is refused before anything is sent", () => {
  const check = (raw: string, expected: RegExp) => assert.throws(() => readInvite(raw), expected, raw);
  check("K7QF-2M9D-XR4T-8W3A", /paste the whole of it, like `https:\/\/hub\.example\/join#CODE`/);
  check("https://hub/join", /no link with a code/);
  check("wss://hub/join#K7QF", /no link with a code/);
  check("https://hub/join#%E0%A4%A", /no link with a code/);
  check("https://hub/join#%20", /no link with a code/);
  check("http://hub.example/join#K7QF", /not encrypted.*begins with `https:`/);
  assert.equal(readInvite("https://hub:8443/join#K7QF").origin.href, "https://hub:8443/");
});

/** Numbers below 2^32 from a seed (mulberry32), the same everywhere. */
function chance(seed: number) {
  return (end: number) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
}

test("whatever is pasted leads to one hub with one code, or is refused with a hint that does not repeat the code", () => {
  const code = "K7QF-2M9D-XR4T-8W3A";
  const parts = [
    "https://", "http://", "HTTPS://", "wss://", "hub.example", "127.0.0.1", "127.evil.com", "[::1]", "localhost", "user:pw@", ":18795", ":0", "/join",
    "/", "#", "%23", "%", "%E0%A4", "%20", "?code=", "\\", " ", "\n", "'", "<", "ü", "\u202e", "\ud800", code,
  ];
  for (let seed = 0; seed < 20_000; seed += 1) {
    const next = chance(seed);
    const start = ["https://hub.example/join#", "http://127.0.0.1:18795/join#", "", ""][next(4)] ?? "";
    const raw = start + Array.from({ length: next(10) }, () => parts[next(parts.length)]).join("");
    try {
      const invite = readInvite(raw);
      const isSafe = invite.origin.protocol === "https:" || /^(localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(invite.origin.hostname);
      assert.ok(isSafe && invite.origin.href === `${invite.origin.origin}/`, raw);
      assert.ok(invite.code !== "" && invite.code === invite.code.trim(), raw);
      const again = readInvite(`${invite.origin.href}join#${encodeURIComponent(invite.code)}`);
      assert.deepEqual([again.code, again.origin.href], [invite.code, invite.origin.href], raw);
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), `seed ${seed}: ${String(error)}`);
      assert.match(error.message, /; hint: /, `seed ${seed}: ${raw}`);
      assert.ok(!error.message.includes(code), `seed ${seed}: ${raw}`);
    }
  }
});

test("a hub that says no says why", async () => {
  const check = async (answer: Parameters<typeof hub>[0], expected: RegExp) => {
    await using at = await hub(answer);
    await assert.rejects(claim(readInvite(at.link), "openclaw/1"), expected);
  };
  const error = (message: string, hint?: string) => ({ ok: false, error: { type: "x", message, hint } });
  await check({ status: 404, body: error("no invite with that code", "check the link") }, /^Error: no invite with that code; hint: check the link$/);
  await check({ status: 404, body: "not found" }, /knows no invites \(404\)/);
  await check({ status: 410, body: "" }, /was used, has expired or was revoked; hint: ask for a new one/);
  await check({ status: 429, headers: { "retry-after": "30" }, body: error("too many attempts") }, /too many attempts; hint: try again in 30 s/);
  await check({ status: 302, headers: { location: "https://evil/" } }, /sends invites to `https:\/\/evil\/`, and a code is not sent on/);
  await check({ body: { ...GIVEN, contract_version: 2 } }, /invites are of version 2, and this plugin understands version 1/);
  await check({ body: { hello: 1 } }, /is not a Bot Hub/);
  await check({ body: { ...GIVEN, token: "" } }, /without a usable `ws_url`, `token` or `bot`/);
  await check({ body: { ...GIVEN, ws_url: "ws://hub.example/ws" } }, /without a usable/);
});

test("a hub that is not there is said to be not there", async () => {
  const at = await hub({});
  await at[Symbol.asyncDispose]();
  await assert.rejects(claim(readInvite(at.link), "openclaw/1"), /cannot reach the hub of the invite: nothing listens at 127\.0\.0\.1:\d+/);
});
