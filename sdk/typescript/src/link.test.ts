import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server, type Socket as TcpSocket } from "node:net";
import { createHash } from "node:crypto";
import { mock, test, type TestContext } from "node:test";
import type { ServerFrame } from "./frames.ts";
import { openLink, type Ended, type Socket } from "./link.ts";

/** A socket whose peer never confirms a close: what a half-open connection looks like from here. */
class MuteSocket implements Socket {
  readyState: Socket["readyState"] = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  closed = false;
  send(): void {}
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  say(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

function link(context: TestContext) {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.after(() => mock.timers.reset());
  const socket = new MuteSocket();
  const stop = new AbortController();
  const frames: string[] = [];
  let clock = 1_000_000;
  const events = { ready: () => frames.push("ready"), frame: (frame: ServerFrame) => frames.push(frame.type) };
  const options = { url: "ws://hub", auth: { type: "auth", token: "t" } as const, open: () => socket, now: () => clock };
  const { ended } = openLink(options, events, stop.signal);
  const later: { outcome?: Ended } = {};
  void ended.then((it) => (later.outcome = it));
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      clock += 1000;
      mock.timers.tick(1000);
    }
    await Promise.resolve();
  };
  return { socket, stop, frames, later, pass, ended };
}

const AUTH_OK: ServerFrame = { type: "auth_ok", bot: "me", epoch: "1", rooms: [] };

test("an upgrade that is never answered ends the attempt", async (context) => {
  const { socket, later, pass } = link(context);
  await pass(20_000);
  assert.deepEqual(later.outcome, { kind: "lost", reason: "the hub did not answer the connection in time" });
  assert.ok(socket.closed);
});

test("an `auth` that is never answered ends the attempt", async (context) => {
  const { socket, later, pass } = link(context);
  socket.open();
  await pass(20_000);
  assert.deepEqual(later.outcome, { kind: "lost", reason: "the hub accepted the connection and did not answer `auth` in time" });
});

test("a connection on which nothing is heard any more is lost within 60 seconds, without the peer's help", async (context) => {
  const { socket, later, pass } = link(context);
  socket.open();
  socket.say(AUTH_OK);
  await pass(30_000);
  socket.say({ type: "pong", at: 1 });
  assert.equal(later.outcome, undefined);
  await pass(60_000);
  assert.deepEqual(later.outcome, { kind: "lost", reason: "the hub has gone silent" });
});

test("a stop needs nobody's answer, and nothing is heard after it", async (context) => {
  const { socket, stop, later, frames, pass } = link(context);
  socket.open();
  socket.say(AUTH_OK);
  stop.abort();
  await pass(0);
  assert.deepEqual(later.outcome, { kind: "stopped" });
  socket.say({ type: "pong", at: 1 });
  assert.deepEqual(frames, ["ready"]);
});

test("the original hub, which answers `auth` with nothing but a yes, is named and not used", async (context) => {
  const { socket, later, frames, pass } = link(context);
  socket.open();
  socket.say({ type: "auth_ok" });
  await pass(0);
  assert.equal(later.outcome?.kind, "unusable");
  assert.match(later.outcome?.kind === "unusable" ? later.outcome.reason : "", /original hub/);
  assert.deepEqual(frames, []);
});

test("real sockets: a peer that stands still after the upgrade is left within the stop's turn", async () => {
  const { server, peers } = await halfOpenServer();
  const stop = new AbortController();
  const { port } = server.address() as AddressInfo;
  const auth = { type: "auth", token: "t" } as const;
  const { promise: upgraded, resolve } = Promise.withResolvers<void>();
  peers.onUpgrade = resolve;
  const { ended } = openLink({ url: `ws://127.0.0.1:${port}`, auth }, { ready() {}, frame() {} }, stop.signal);
  await upgraded;
  stop.abort();
  assert.deepEqual(await ended, { kind: "stopped" });
  for (const peer of peers.sockets) peer.destroy();
  await new Promise((done) => server.close(done));
});

/** Accepts the WebSocket and then says nothing, not even the close frame. */
async function halfOpenServer(): Promise<{ server: Server; peers: { sockets: TcpSocket[]; onUpgrade: () => void } }> {
  const peers = { sockets: [] as TcpSocket[], onUpgrade: () => {} };
  const server = createServer((socket) => {
    peers.sockets.push(socket);
    socket.once("data", (request) => {
      const key = /sec-websocket-key: (\S+)/i.exec(String(request))?.[1] ?? "";
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      peers.onUpgrade();
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, peers };
}
