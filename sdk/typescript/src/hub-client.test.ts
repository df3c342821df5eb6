import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { memoryFile } from "./file.ts";
import type { ClientFrame, ServerFrame } from "./frames.ts";
import { HubClient } from "./hub-client.ts";
import type { Socket } from "./link.ts";
import type { ConnectionState, HubEvents, HubOptions } from "./options.ts";

/** The hub's end of a connection, in the hands of a test. */
class FakeSocket implements Socket {
  readyState: Socket["readyState"] = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly heard: ClientFrame[] = [];

  send(data: unknown): void {
    this.heard.push(JSON.parse(String(data)) as ClientFrame);
  }
  close(code = 1006, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    queueMicrotask(() => this.onclose?.({ code, reason }));
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  say(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  welcome(rooms: string[] = []): void {
    this.open();
    const position = { epoch: "1", seq: 0 };
    this.say({ type: "auth_ok", bot: "me", rooms: rooms.map((room) => ({ room, position, head: 0 })) });
  }
  types(): string {
    return this.heard.map((it) => it.type).join(" ");
  }
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

function connect(more: Partial<HubOptions> = {}, events: HubEvents = {}) {
  const sockets: FakeSocket[] = [];
  const states: ConnectionState[] = [];
  const opened: Array<() => void> = [];
  const open = () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    opened.shift()?.();
    return socket;
  };
  const stop = new AbortController();
  const options = { url: "ws://hub", token: "t", client: "test", rooms: ["lab"], open, ...more };
  const client = new HubClient(options, { state: (state) => states.push(state), ...events });
  const done = client.run(stop.signal);
  const next = () => new Promise<void>((resolve) => opened.push(resolve));
  const socket = () => sockets.at(-1) ?? assert.fail("no socket was opened");
  return { client, states, stop, done, next, socket };
}

test("it authenticates with its caps, resumes from the hub's cursors and joins what it is not in", async () => {
  const { socket, stop, done } = connect({ rooms: ["lab", "duo"] });
  socket().welcome(["lab"]);
  const [auth, join] = socket().heard;
  assert.deepEqual(auth, {
    type: "auth", token: "t", client: "test", caps: ["ack", "presence", "receipts", "ranges", "governor"], resume: {},
  });
  assert.deepEqual(join, { type: "join", room: "duo" });
  stop.abort();
  await done;
});

test("a message is sent again with the same id until it is acknowledged", async () => {
  const outbox = memoryFile();
  const { client, socket, next, stop, done } = connect({ outbox });
  socket().welcome(["lab"]);
  const sent = client.send({ room: "lab", text: "hi", id: "m1" });
  assert.deepEqual(outbox.value, [{ room: "lab", text: "hi", id: "m1" }]);
  const again = next();
  socket().close();
  await again;
  socket().welcome(["lab"]);
  assert.deepEqual(socket().heard.findLast((it) => it.type === "message"), { type: "message", room: "lab", text: "hi", id: "m1" });
  socket().say({ type: "ack", room: "lab", id: "m1", seq: 7, delivered: 1 });
  assert.equal((await sent).seq, 7);
  assert.deepEqual(outbox.value, []);
  stop.abort();
  await done;
});

test("a message to a room that the bot is still joining waits until it is in, or is not let in", async () => {
  const { client, stop, done, socket } = connect({ rooms: ["lab", "den"] });
  socket().welcome();
  const sent = [client.send({ room: "lab", text: "1", id: "m1" }), client.send({ room: "hall", text: "2", id: "m2" })];
  const heard = () => socket().heard.flatMap((it) => (it.type === "message" ? [it.id] : []));
  assert.deepEqual(heard(), ["m2"], "the hub knows no `lab` yet");
  socket().say({ type: "ack", id: "m2", room: "hall", queued: 0, delivered: 0 });
  socket().say({ type: "joined", room: "lab", members: [] });
  socket().say({ type: "ack", id: "m1", room: "lab", queued: 0, delivered: 0 });
  await Promise.all(sent);
  const refused = client.send({ room: "den", text: "3", id: "m3" });
  assert.deepEqual(heard(), ["m2", "m1"]);
  socket().say({ type: "error", code: 3004, name: "room_closed", message: "closed", retry: "after_fix", ref: "join" });
  assert.deepEqual(heard(), ["m2", "m1", "m3"], "its own refusal says more");
  socket().say({ type: "error", code: 3001, name: "no_such_room", message: "no", retry: "after_fix", ref: "m3" });
  await assert.rejects(refused, /no/);
  stop.abort();
  await done;
});

test("what a crash left in the outbox goes out at the next start", async () => {
  const { socket, stop, done } = connect({ outbox: memoryFile([{ room: "lab", text: "old", id: "m0" }]) });
  socket().welcome(["lab"]);
  assert.ok(socket().heard.some((it) => it.type === "message" && it.id === "m0"));
  stop.abort();
  await done;
});

test("a refused message fails with the hub's hint, or with that of the program", async () => {
  const check = async (more: Partial<HubOptions>, expected: string) => {
    const { client, socket, stop, done } = connect(more);
    socket().welcome(["lab"]);
    const sent = client.send({ room: "bob", text: "hi", id: "m1" });
    socket().say({
      type: "error", code: 3004, name: "wrong_kind", message: "`bob` is a bot, not a room", hint: "did you mean `to: bob`?",
      retry: "after_fix", ref: "m1",
    });
    await assert.rejects(sent, { message: expected });
    assert.equal(client.unsent, 0);
    stop.abort();
    await done;
  };
  await check({}, "`bob` is a bot, not a room; hint: did you mean `to: bob`?");
  await check({ hint: ({ name }) => `look up ${name}` }, "`bob` is a bot, not a room; hint: look up wrong_kind");
});

test("a message that was put off is sent when its time is over, also by a clock that was set back", async (context) => {
  const { client, stop, socket } = connect({ rooms: [] });
  socket().welcome();
  context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  const sent = client.send({ room: "lab", text: "1", id: "m1" });
  const full = { type: "error", code: 5002, name: "storage_full", message: "full", retry: "later", ref: "m1" } as const;
  socket().say({ ...full, retry_after_ms: 500 });
  context.mock.method(Date, "now", () => 400_000);
  context.mock.timers.tick(1_000);
  assert.equal(socket().heard.filter((it) => it.type === "message").length, 2);
  socket().say({ type: "ack", id: "m1", room: "lab", queued: 0, delivered: 0 });
  await sent;
  stop.abort();
});

test("what cannot be read of a hub's frames throws nothing", async () => {
  const { states, stop, socket } = connect({ rooms: [] });
  socket().open();
  socket().say({ type: "auth_ok", bot: "me", hub: null } as never);
  await soon();
  assert.equal(states.at(-1)?.kind, "recovering");
  stop.abort();
  const other = connect({ rooms: [] });
  other.socket().welcome();
  other.socket().say({ type: "joined", room: "lab", members: 5 } as never);
  assert.deepEqual([...other.client.rooms.keys()], ["lab"]);
  other.stop.abort();
});

test("receipts are repeated until a pong proves them", async () => {
  const { client, socket, next, stop, done } = connect();
  socket().welcome(["lab"]);
  client.report({ room: "lab", from: "bob", id: "e1", state: "received" });
  const ping = socket().heard.findLast((it) => it.type === "ping");
  socket().say({ type: "pong", at: ping?.at ?? 0 });
  client.report({ room: "lab", from: "bob", id: "e2", state: "done" });
  const again = next();
  socket().close();
  await again;
  socket().welcome(["lab"]);
  const repeated = socket().heard.flatMap((it) => (it.type === "receipt" ? [it.id] : []));
  assert.deepEqual(repeated, ["e2"]);
  stop.abort();
  await done;
});

test("a wrong token blocks the account and says why", async () => {
  const { socket, states, stop, done } = connect();
  socket().open();
  socket().say({ type: "error", code: 2001, name: "bad_token", message: "the token is not known to this hub", retry: "after_fix" });
  await soon();
  const last = states.at(-1);
  assert.equal(last?.kind, "blocked");
  assert.match(last?.kind === "blocked" ? last.reason : "", /not known to this hub/);
  stop.abort();
  await done;
});

test("a bot that was replaced says so and tries again a minute later, not at once", async (context) => {
  const { socket, states, next, stop, done } = connect();
  socket().welcome(["lab"]);
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  socket().say({ type: "going_away", reason: "replaced" });
  const again = next();
  socket().close(4001);
  await soon();
  const last = states.at(-1);
  assert.match(last?.kind === "blocked" ? last.reason : "", /another program connected with this bot's token/);
  mock.timers.tick(59_000);
  assert.equal(states.at(-1)?.kind, "blocked");
  mock.timers.tick(2_000);
  await again;
  socket().welcome(["lab"]);
  assert.equal(states.at(-1)?.kind, "ready");
  stop.abort();
  await done;
});

test("a hub that lets the bot in and closes at once is met ever more slowly", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const { socket, states, next, stop, done } = connect();
  for (let round = 0; round < 8; round++) {
    const again = next();
    socket().welcome(["lab"]);
    socket().close(1009);
    await soon();
    mock.timers.tick(30_000);
    await again;
  }
  const waits = states.flatMap((it) => (it.kind === "recovering" ? [it.retryInMs] : []));
  assert.ok((waits.at(-1) ?? 0) >= 15_000, `waits: ${waits.join(" ")}`);
  stop.abort();
  await done;
});

test("a bot that was taken out of a room does not join it again", async () => {
  const { client, socket, next, stop, done } = connect();
  socket().welcome(["lab"]);
  socket().say({ type: "left", room: "lab", reason: "removed by an operator" });
  const again = next();
  socket().close();
  await again;
  socket().welcome([]);
  assert.deepEqual(socket().heard.filter((it) => it.type === "join"), []);
  assert.deepEqual(client.exiled, ["lab"]);
  stop.abort();
  await done;
});

test("a question without a connection fails at once, one that loses it fails then", async () => {
  const { client, socket, stop, done } = connect();
  await assert.rejects(client.ask({ type: "rooms" }), /no connection/);
  socket().welcome();
  const asked = client.ask({ type: "rooms" });
  socket().close();
  await assert.rejects(asked, /connection closed/);
  stop.abort();
  await done;
});

test("a name with capitals is the hub's name for the same room or bot", async () => {
  const outbox = memoryFile([{ room: "Lab", text: "of an earlier version", id: "m0" }]);
  const { client, socket, stop, done } = connect({ rooms: ["Lab", "Duo"], outbox });
  socket().welcome(["lab"]);
  assert.equal(socket().types(), "auth join ping message", "it is in one room, and speaks there");
  socket().say({ type: "joined", room: "duo", members: [] });
  const sent = [client.send({ room: "Duo", text: "hi", id: "m1" }), client.send({ to: "Bob", text: "hi", id: "m2" })];
  for (const [room, id] of [["lab", "m0"], ["duo", "m1"], ["dm:bob:me", "m2"]] as const) {
    socket().say({ type: "ack", room, id, seq: 1, delivered: 0 });
  }
  await Promise.all(sent);
  assert.equal(client.unsent, 0);
  client.join("Den");
  socket().say({ type: "joined", room: "den", members: [] });
  const inDen = client.send({ room: "den", text: "hi", id: "m3" });
  const status = client.ask({ type: "status", room: "Lab", id: "m0" });
  const said = socket().heard.slice(-2).map((it) => JSON.stringify(it));
  assert.deepEqual(said, ['{"type":"message","room":"den","text":"hi","id":"m3"}', '{"type":"status","room":"lab","id":"m0"}']);
  socket().say({ type: "ack", room: "den", id: "m3", seq: 1, delivered: 0 });
  socket().say({ type: "status", id: "m0", room: "lab", seq: 1, from: "me", sent_at: 0, recipients: [] });
  await Promise.all([inDen, status]);
  stop.abort();
  await done;
});

test("a pause is told when it holds and when it has ended", async () => {
  const told: Array<[string | undefined, boolean]> = [];
  const { socket, stop, done } = connect({}, { pause: (pause) => told.push([pause.room, pause.on]) });
  socket().welcome(["lab"]);
  socket().say({ type: "pause", room: "lab", on: true, by: "zoe", since: 1 });
  socket().say({ type: "pause", on: false, since: 1, why: { rule: "turns", used: 30, limit: 30 } });
  assert.deepEqual(told, [["lab", true], [undefined, false]]);
  stop.abort();
  await done;
});
