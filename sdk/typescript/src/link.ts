// One connection, from opening to its end: authentication and liveness.
//
// Never reconnects and remembers nothing; `hub-client` does.

import { isRecord } from "./file.ts";
import type { AuthOk, ClientFrame, ErrorFrame, GoingAway, ServerFrame } from "./frames.ts";
import { unreachableReason } from "./unreachable.ts";

/** What of a WebSocket is used; tests bring their own. */
export type Socket = Pick<WebSocket, "send" | "close" | "readyState"> & {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
};
export type OpenSocket = (url: string) => Socket;

/** How a connection ended. */
export type Ended =
  | { kind: "stopped" }
  | { kind: "lost"; reason: string }
  /** What answers is no hub that this client can work with. */
  | { kind: "unusable"; reason: string }
  | { kind: "refused"; error: ErrorFrame }
  | { kind: "sent_away"; reason: GoingAway["reason"]; reconnectInMs?: number };

export type LinkOptions = {
  url: string;
  auth: Extract<ClientFrame, { type: "auth" }>;
  open?: OpenSocket | undefined;
  /** Milliseconds that never jump; tests bring their own. */
  now?: (() => number) | undefined;
};

export type LinkEvents = {
  /** Authenticated: from now on frames may be sent. */
  ready(auth: AuthOk): void;
  frame(frame: ServerFrame): void;
};

export type Link = {
  /** Whether the frame was handed to the socket. */
  send(frame: ClientFrame): boolean;
  /** Asks for a pong now. */
  ping(): number;
  ended: Promise<Ended>;
};

/** Connecting and authenticating takes no longer, or the attempt is given up. */
const AUTH_MS = 10_000;
/** So often the hub is asked for a pong; a network that dropped the connection says nothing. */
const PING_MS = 15_000;
/** After such a silence the connection is taken for dead: noticed one ping later at most, so within a minute. */
const SILENCE_MS = 40_000;
/** A hub that goes away closes within this time, or the client does. */
const GOING_AWAY_MS = 5_000;

const ORIGINAL_HUB =
  "the hub is the original hub, which neither numbers nor confirms messages; hint: this client needs Bot Hub, which reads the original's configuration: bot-hub --config config.json";

const openWebSocket: OpenSocket = (url) => new WebSocket(url) as Socket;

export function openLink(options: LinkOptions, events: LinkEvents, signal: AbortSignal): Link {
  const socket = (options.open ?? openWebSocket)(options.url);
  const now = options.now ?? (() => performance.now());
  let live = false;
  let lastPing = 0;
  let heardAt = now();
  let why: Ended | undefined;
  let opened = false;
  let grace: NodeJS.Timeout | undefined;

  const send = (frame: ClientFrame): boolean => {
    // What is said to a hub that goes away may be read by nobody.
    if (socket.readyState !== 1 || why !== undefined) return false;
    socket.send(JSON.stringify(frame));
    return true;
  };
  const ping = () => {
    lastPing = Math.max(lastPing + 1, Date.now());
    send({ type: "ping", at: lastPing });
    return lastPing;
  };

  const ended = new Promise<Ended>((resolve) => {
    const finish = (reason: Ended) => {
      clearTimeout(timer);
      clearTimeout(grace);
      clearInterval(beat);
      signal.removeEventListener("abort", stop);
      socket.onopen = socket.onmessage = socket.onclose = null;
      live = false;
      resolve(why ?? reason);
    };
    /** Waits for nobody: a peer that is gone never confirms the close. */
    const end = (reason: Ended) => {
      socket.close();
      finish(reason);
    };
    const stop = () => end({ kind: "stopped" });
    const timer = setTimeout(() => end({ kind: "lost", reason: unanswered(opened) }), AUTH_MS);
    const beat = setInterval(() => {
      if (now() - heardAt > SILENCE_MS) end({ kind: "lost", reason: "the hub has gone silent" });
      else if (live) ping();
    }, PING_MS);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    socket.onopen = () => {
      opened = true;
      send(options.auth);
    };
    socket.onerror = () => {};
    socket.onclose = (event) => {
      if (opened || why !== undefined || options.open !== undefined) return finish({ kind: "lost", reason: closing(event) });
      void unreachableReason(options.url).then((it) => finish({ kind: "lost", reason: `cannot reach the hub: ${it}` }));
    };
    socket.onmessage = (event) => {
      heardAt = now();
      const frame = readFrame(event.data);
      if (frame === undefined) return;
      if (frame.type === "auth_ok") {
        // The original's yes carries nothing; ours says who one is.
        if (frame.bot === undefined) return end({ kind: "unusable", reason: ORIGINAL_HUB });
        if (!isGreeting(frame)) return end({ kind: "lost", reason: "the hub's answer to `auth` cannot be read" });
        clearTimeout(timer);
        live = true;
        return events.ready(frame);
      }
      if (frame.type === "error" && !live) return end({ kind: "refused", error: frame });
      if (frame.type === "going_away") {
        const { reason, reconnect_in_ms: wait } = frame;
        const away: Ended = { kind: "sent_away", reason, ...(wait === undefined ? {} : { reconnectInMs: wait }) };
        if (!live) return end(away);
        why = away;
        clearTimeout(grace);
        grace = setTimeout(() => end(away), Math.min(wait ?? GOING_AWAY_MS, GOING_AWAY_MS));
      }
      events.frame(frame);
    };
  });
  return { send, ping, ended };
}

function unanswered(opened: boolean): string {
  return opened ? "the hub accepted the connection and did not answer `auth` in time" : "the hub did not answer the connection in time";
}

/** What is not a frame is ignored: a newer hub may say more than this client knows. */
function readFrame(data: unknown): ServerFrame | undefined {
  try {
    const value: unknown = JSON.parse(String(data));
    const isFrame = typeof value === "object" && value !== null && "type" in value;
    return isFrame ? (value as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}

/** What is read of a greeting, apart from numbers and words. */
function isGreeting({ rooms, hub }: AuthOk): boolean {
  if (hub !== undefined && !isRecord(hub)) return false;
  return rooms === undefined || (Array.isArray(rooms) && rooms.every((it) => isRecord(it) && typeof it.room === "string"));
}

function closing(event: { code: number; reason: string }): string {
  return event.reason === "" ? `the connection closed (${event.code})` : `the hub closed the connection: ${event.reason}`;
}
