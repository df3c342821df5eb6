// The relay that Bot Hub is measured against: what the first description says, written the way one would
// write it in an afternoon with `ws`. It keeps everything in memory and nothing after it ends.
//
//   node server.mjs --config FILE [--listen ADDR:PORT]
//
// Frames (JSON text over WebSocket):
//   auth {token} -> auth_ok                    join {room} -> joined {room, members}
//   message {room, text} -> ack {room, delivered}, and to the others: message {room, from, text}
//   leave {room} -> left {room}                ping -> pong
//
// It prints `listening ws://ADDR:PORT` once it accepts; port 0 lets the system choose.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { WebSocketServer, WebSocket } from "ws";

const DEFAULT_PORT = 18795;
const BUFFER_PER_BOT_PER_ROOM = 50;
const AUTH_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 30_000;
const FRAME_BYTES_MAX = 1024 * 1024;
const NAME_LENGTH_MAX = 64;

// ---------------------------------------------------------------- configuration

function parseArguments(argv) {
  const options = { config: "config.json", listen: null };
  for (let i = 0; i < argv.length; i += 2) {
    const name = argv[i].replace(/^--/, "");
    if (!(name in options) || argv[i + 1] === undefined) {
      throw new Error(`unknown or incomplete option \`${argv[i]}\``);
    }
    options[name] = argv[i + 1];
  }
  return options;
}

function loadConfig(path) {
  const config = JSON.parse(readFileSync(path, "utf8"));
  if (typeof config.tokens !== "object" || config.tokens === null) {
    throw new Error(`\`${path}\` has no \`tokens\``);
  }
  const tokens = new Map();
  for (const [token, entry] of Object.entries(config.tokens)) {
    if (typeof entry?.botId !== "string") throw new Error(`a token in \`${path}\` has no \`botId\``);
    tokens.set(token, entry.botId);
  }
  return { port: config.port ?? DEFAULT_PORT, tokens };
}

function listenAddress(options, config) {
  if (options.listen === null) return { host: "0.0.0.0", port: config.port };
  const colon = options.listen.lastIndexOf(":");
  return { host: options.listen.slice(0, colon), port: Number(options.listen.slice(colon + 1)) };
}

function log(...words) {
  console.error(new Date().toISOString(), ...words);
}

// ---------------------------------------------------------------- rooms and buffers

class Room {
  constructor(name) {
    this.name = name;
    this.live = new Map(); // botId -> connection that has joined
    this.known = new Set(); // every botId that ever joined, so that an absent one can be buffered for
    this.buffers = new Map(); // botId -> frames that wait
  }

  others(botId) {
    return [...this.live.keys()].filter((id) => id !== botId);
  }

  buffer(botId, frame) {
    let frames = this.buffers.get(botId);
    if (frames === undefined) {
      frames = [];
      this.buffers.set(botId, frames);
    }
    frames.push(frame);
    if (frames.length > BUFFER_PER_BOT_PER_ROOM) frames.shift();
  }

  takeBuffer(botId) {
    const frames = this.buffers.get(botId) ?? [];
    this.buffers.delete(botId);
    return frames;
  }
}

class Hub {
  constructor(tokens) {
    this.tokens = tokens;
    this.rooms = new Map();
    this.bots = new Map(); // botId -> its one connection
  }

  room(name) {
    let room = this.rooms.get(name);
    if (room === undefined) {
      room = new Room(name);
      this.rooms.set(name, room);
    }
    return room;
  }

  attach(connection, botId) {
    const older = this.bots.get(botId);
    this.bots.set(botId, connection);
    if (older !== undefined && older !== connection) {
      this.detach(older);
      older.close(4000, "replaced by a newer connection");
    }
  }

  detach(connection) {
    for (const room of connection.rooms) {
      if (room.live.get(connection.botId) === connection) room.live.delete(connection.botId);
    }
    connection.rooms.clear();
    if (this.bots.get(connection.botId) === connection) this.bots.delete(connection.botId);
  }

  join(connection, name) {
    const room = this.room(name);
    room.live.set(connection.botId, connection);
    room.known.add(connection.botId);
    connection.rooms.add(room);
    connection.send({ type: "joined", room: name, members: room.others(connection.botId) });
    for (const frame of room.takeBuffer(connection.botId)) connection.sendText(frame);
  }

  leave(connection, name) {
    const room = this.rooms.get(name);
    if (room !== undefined) {
      room.live.delete(connection.botId);
      room.known.delete(connection.botId);
      room.buffers.delete(connection.botId);
      connection.rooms.delete(room);
    }
    connection.send({ type: "left", room: name });
  }

  // Returns how many members got the message at once; absent members find it in their buffer.
  broadcast(room, from, text) {
    const frame = JSON.stringify({ type: "message", room: room.name, from, text });
    let delivered = 0;
    for (const botId of room.known) {
      if (botId === from) continue;
      const connection = room.live.get(botId);
      if (connection !== undefined && connection.isOpen()) {
        connection.sendText(frame);
        delivered += 1;
      } else {
        room.buffer(botId, frame);
      }
    }
    return delivered;
  }
}

// ---------------------------------------------------------------- one connection

class Connection {
  constructor(hub, socket) {
    this.hub = hub;
    this.socket = socket;
    this.botId = null;
    this.rooms = new Set();
    this.alive = true;
    this.authTimer = setTimeout(() => this.close(4001, "authentication timeout"), AUTH_TIMEOUT_MS);
    socket.on("message", (data, isBinary) => this.receive(data, isBinary));
    socket.on("pong", () => {
      this.alive = true;
    });
    socket.on("close", () => this.closed());
    socket.on("error", (error) => log("socket error:", error.message));
  }

  isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  send(frame) {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text) {
    if (this.isOpen()) this.socket.send(text);
  }

  error(message) {
    this.send({ type: "error", message });
  }

  close(code, reason) {
    clearTimeout(this.authTimer);
    this.socket.close(code, reason);
  }

  closed() {
    clearTimeout(this.authTimer);
    if (this.botId !== null) this.hub.detach(this);
  }

  // Called by the heartbeat: whoever did not answer the last ping is gone.
  beat() {
    if (!this.alive) {
      this.socket.terminate();
      return;
    }
    this.alive = false;
    this.socket.ping();
  }

  receive(data, isBinary) {
    if (isBinary) {
      this.error("binary frames are not supported");
      return;
    }
    let frame;
    try {
      frame = JSON.parse(data.toString());
    } catch {
      this.error("invalid JSON");
      return;
    }
    if (typeof frame !== "object" || frame === null) {
      this.error("a frame is a JSON object");
      return;
    }
    if (this.botId === null) this.authenticate(frame);
    else this.handle(frame);
  }

  authenticate(frame) {
    const botId = frame.type === "auth" ? this.hub.tokens.get(frame.token) : undefined;
    if (botId === undefined) {
      this.error(frame.type === "auth" ? "invalid token" : "authenticate first");
      this.close(4003, "not authenticated");
      return;
    }
    clearTimeout(this.authTimer);
    this.botId = botId;
    this.hub.attach(this, botId);
    this.send({ type: "auth_ok" });
  }

  handle(frame) {
    switch (frame.type) {
      case "join":
        if (this.checkRoomName(frame.room)) this.hub.join(this, frame.room);
        break;
      case "leave":
        if (this.checkRoomName(frame.room)) this.hub.leave(this, frame.room);
        break;
      case "message":
        this.message(frame);
        break;
      case "ping":
        this.send({ type: "pong" });
        break;
      default:
        this.error(`unknown frame type: ${frame.type}`);
    }
  }

  message(frame) {
    if (!this.checkRoomName(frame.room)) return;
    if (typeof frame.text !== "string" || frame.text.length === 0) {
      this.error("a message needs a text");
      return;
    }
    const room = this.hub.rooms.get(frame.room);
    if (room === undefined || !this.rooms.has(room)) {
      this.error(`not in room: ${frame.room}`);
      return;
    }
    const delivered = this.hub.broadcast(room, this.botId, frame.text);
    this.send({ type: "ack", room: frame.room, delivered });
  }

  checkRoomName(name) {
    const good = typeof name === "string" && name.length > 0 && name.length <= NAME_LENGTH_MAX;
    if (!good) this.error("a room name is a string of 1 to 64 characters");
    return good;
  }
}

// ---------------------------------------------------------------- server

function serve() {
  const options = parseArguments(process.argv.slice(2));
  const config = loadConfig(options.config);
  const hub = new Hub(config.tokens);
  const connections = new Set();

  const http = createServer((request, response) => {
    const status = { ok: true, bots: hub.bots.size, rooms: hub.rooms.size };
    response.writeHead(request.url === "/health" ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(status));
  });
  const sockets = new WebSocketServer({ server: http, maxPayload: FRAME_BYTES_MAX });
  sockets.on("connection", (socket) => {
    const connection = new Connection(hub, socket);
    connections.add(connection);
    socket.on("close", () => connections.delete(connection));
  });

  const heartbeat = setInterval(() => {
    for (const connection of connections) connection.beat();
  }, HEARTBEAT_MS);

  const stop = () => {
    clearInterval(heartbeat);
    for (const connection of connections) connection.close(1001, "server is stopping");
    http.close();
    setTimeout(() => process.exit(0), 200).unref();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  http.listen({ ...listenAddress(options, config), backlog: 4096 }, () => {
    const { address, port } = http.address();
    console.log(`listening ws://${address}:${port}`);
    log(`${config.tokens.size} tokens configured`);
  });
}

serve();
