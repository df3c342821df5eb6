// The client does what the transcripts of tests/transcripts/client say. The README there says how to read them, and
// which lines are meant for every client.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mock, test } from "node:test";
import type { Question } from "./asks.ts";
import { isRecord } from "./file.ts";
import type { ClientFrame, ServerFrame } from "./frames.ts";
import { HubClient } from "./hub-client.ts";
import type { Socket } from "./link.ts";
import type { ConnectionState } from "./options.ts";
import type { Draft } from "./outbox.ts";
import type { Report } from "./reports.ts";

const DIR = new URL("../../../tests/transcripts/client/", import.meta.url);
/** Where the clock stands at time 0. A `ping` of the client's own carries the time, and is no part of a transcript. */
const START_MS = 1_000_000;
const WELCOME = '{"type":"auth_ok","bot":"me","caps":["ack"],"rooms":[{"room":"lab","position":{"epoch":"00000000000000aa","seq":4},"head":4}]}';

type Step = { line: string; expected: string[] };
type Transcript = { title: string; given: readonly string[]; steps: Step[]; skip?: string };

/** The transcripts of a file, without the lines for other clients. */
function read(text: string): Transcript[] {
  const transcripts: Transcript[] = [];
  for (const raw of text.split("\n").filter((it) => it !== "" && !it.startsWith("#"))) {
    const found = transcripts.at(-1);
    const line = raw.replace("[typescript] ", "").trim();
    if (raw.startsWith("== ")) transcripts.push({ title: raw.slice(3), given: [], steps: [] });
    else if (found === undefined || raw.includes("[rust] ")) continue;
    else if (raw.startsWith("given ")) found.given = line.slice(6).split(", ");
    else if (raw.startsWith("only rust: ")) found.skip = line;
    else if (raw.startsWith(" ")) found.steps.at(-1)?.expected.push(line);
    else found.steps.push({ line, expected: [] });
  }
  return transcripts;
}

class FakeSocket implements Socket {
  readyState: Socket["readyState"] = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly #did: (what: string) => void;

  constructor(did: (what: string) => void) {
    this.#did = did;
  }
  send(data: unknown): void {
    const frame = JSON.parse(String(data)) as ClientFrame;
    if (frame.type !== "ping" || (frame.at ?? START_MS) < START_MS) this.#did(`> ${String(data)}`);
  }
  close(): void {
    this.readyState = 3;
    this.#did("disconnect");
  }
}

/** A client, the hub's end of its connections, and what the client did since it was last asked. */
class Stage {
  readonly #stop = new AbortController();
  readonly #client: HubClient;
  #did: string[] = [];
  #socket: FakeSocket | undefined;
  #isRunning = false;

  constructor(side: boolean) {
    const open = () => {
      this.#say("connect");
      this.#socket = new FakeSocket((what) => this.#say(what));
      return this.#socket;
    };
    const options = { url: "ws://hub", token: "t", client: "test", side, open, now: () => Date.now(), random: () => 0.5 };
    this.#client = new HubClient(options, {
      state: (state) => this.#state(state),
      entry: ({ room, from, text }) => this.#say(`event 0: message #${room} <${from}> ${text}`),
      gap: ({ room, from_seq, reason }) => this.#say(`event 0: gap #${room} from ${from_seq} ${reason}`),
      refused: ({ error }) => this.#say(`event 0: refused ${error.name}`),
    });
  }

  /** Does one line of a script, and returns everything that it caused. */
  async step(line: string): Promise<string[]> {
    const [, at = "", verb = "", rest = ""] = /^(\d+) (\S+) ?(.*)$/.exec(line) ?? [];
    mock.timers.tick(START_MS + Number(at) - Date.now());
    await soon();
    this.#act(verb, rest);
    await soon();
    return this.#did.splice(0);
  }

  #act(verb: string, rest: string): void {
    const socket = this.#socket;
    switch (verb) {
      case "tick":
        if (!this.#isRunning) void this.#client.run(this.#stop.signal).then(() => this.#say("ended: "));
        this.#isRunning = true;
        return;
      case "opened":
        if (socket !== undefined) socket.readyState = 1;
        return socket?.onopen?.();
      case "closed":
        if (socket !== undefined) socket.readyState = 3;
        return socket?.onclose?.({ code: 1006, reason: rest });
      case "<":
        return socket?.onmessage?.({ data: rest });
      case "send":
        return this.#send(rest);
      case "ask":
        return this.#ask(rest);
      case "tell":
        return this.#tell(JSON.parse(rest) as ClientFrame);
      case "stop":
        return this.#stop.abort();
      default:
        assert.fail(`the TypeScript client has no \`${verb}\`: mark the line with [rust]`);
    }
  }

  #send(rest: string): void {
    const [, id = "", mark, target = "", text = ""] = /^(\S+) ([#@])(\S+) (.*)$/.exec(rest) ?? [];
    const draft: Draft = { id, text, ...(mark === "#" ? { room: target } : { to: target }) };
    void this.#client.send(draft).then((ack) => this.#say(`sent ${id}: acked ${ack.seq}`), () => this.#say(`sent ${id}: failed`));
  }

  #ask(rest: string): void {
    const [, key = "", json = ""] = /^(\d+) (.*)$/.exec(rest) ?? [];
    const answer = this.#client.ask(JSON.parse(json) as Question);
    void answer.then((frame) => this.#say(`answer ${key}: ${JSON.stringify(frame)}`), () => this.#say(`answer ${key}: failed`));
  }

  #tell(frame: ClientFrame): void {
    if (frame.type === "presence") return this.#client.presence(frame.state as "idle" | "busy", frame.note);
    if (frame.type === "typing") return this.#client.typing(frame.room);
    const { type, ...report } = frame as { type: string } & Report;
    assert.equal(type, "receipt");
    this.#client.report(report);
  }

  #state(state: ConnectionState): void {
    if (state.kind === "ready") this.#say("event 0: connected");
    if (state.kind === "recovering") this.#say(`waiting ${state.retryInMs} ms: ${state.reason}`);
    if (state.kind === "blocked") this.#say(`blocked: ${state.reason}`);
  }

  #say(what: string): void {
    this.#did.push(what);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await soon();
  }
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

/** What all clients have in common: frames in their order, then everything else in any order. */
function common(lines: readonly string[]): string[] {
  const seen = lines.flatMap((line) => view(line) ?? []);
  const isFrame = (line: string) => line.startsWith("> ");
  return [...seen.filter(isFrame), ...seen.filter((it) => !isFrame(it)).sort()];
}

/** A line without what is a client's own: its sentences, its counting of events, its positions. */
function view(line: string): string | undefined {
  if (line.startsWith("> ")) return `> ${JSON.stringify(essence(JSON.parse(line.slice(2)) as ServerFrame | ClientFrame))}`;
  const [, event] = /^event \d+: (.*)$/.exec(line) ?? [];
  if (event !== undefined) return /^(connected$|message |gap |refused )/.test(event) ? event : undefined;
  const [, outcome, said = ""] = /^(sent \S+|answer \S+): (.*)$/.exec(line) ?? [];
  if (outcome !== undefined && said.startsWith("{")) return `${outcome}: ${JSON.stringify(essence(JSON.parse(said) as ServerFrame))}`;
  if (outcome !== undefined) return `${outcome}: ${said.startsWith("acked ") ? said : "failed"}`;
  return line.replace(/^(waiting [^:]*|ended):.*$/, "$1");
}

/** A frame with its fields in one order. Of `auth` only what every client says. */
function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (!isRecord(value)) return value;
  if (value["type"] === "auth") return { token: value["token"], side: value["side"] === true, resumes: "resume" in value };
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, essence(value[key])]));
}

/** Waits that lie in the range of the expected line become that line. */
function settled(did: readonly string[], expected: readonly string[]): string[] {
  const range = expected.map((it) => /^waiting \d+ ms \((\d+) to (\d+)\)/.exec(it)).find((it) => it !== null);
  const fits = (ms: number) => range !== undefined && Number(range?.[1]) <= ms && ms <= Number(range?.[2]);
  return did.map((it) => (fits(Number(/^waiting (\d+) ms/.exec(it)?.[1])) ? `${range?.[0]}: ` : it));
}

async function check({ given, steps }: Transcript): Promise<void> {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: START_MS });
  const stage = new Stage(given.includes("side"));
  if (!given.includes("fresh")) for (const line of ["0 tick", "0 opened", `0 < ${WELCOME}`]) await stage.step(line);
  try {
    for (const { line, expected } of steps) {
      const did = await stage.step(line);
      assert.deepEqual(common(settled(did, expected)), common(expected), `after: ${line}\nit did:\n${did.join("\n")}`);
    }
  } finally {
    await stage.end();
    mock.timers.reset();
  }
}

const files = readdirSync(DIR).filter((it) => it.endsWith(".txt"));
const transcripts = files.flatMap((it) => read(readFileSync(new URL(it, DIR), "utf8")));
for (const transcript of transcripts.filter((it) => it.skip === undefined)) test(transcript.title, () => check(transcript));

test("most of what a connection does is the same in every client", () => {
  const shared = transcripts.filter((it) => it.skip === undefined);
  assert.ok(shared.length >= 15, `only ${shared.length} of ${transcripts.length} transcripts are replayed`);
});
