// Every frame is read and written as tests/frames/frames.txt says. `bot-protocol` reads the same file.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ClientFrame, ServerFrame } from "./frames.ts";
import { openLink, type Link, type Socket } from "./link.ts";

const WELCOME = '{"type":"auth_ok","bot":"me"}';

const EXAMPLES = readFileSync(new URL("../../../tests/frames/frames.txt", import.meta.url), "utf8").split("\n");

/** The frames of one side: `>` is the client, `<` the hub. */
const lines = (side: "> " | "< ") => EXAMPLES.filter((it) => it.startsWith(side)).map((it) => it.slice(side.length));

/** A link that is open, the texts that it wrote, and the frames that it read, as text again. */
function open(context: TestContext, auth: Extract<ClientFrame, { type: "auth" }>) {
  const written: string[] = [];
  const heard: string[] = [];
  const socket: Socket = {
    readyState: 1,
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send: (text) => void written.push(String(text)),
    close: () => {},
  };
  const stop = new AbortController();
  context.after(() => stop.abort());
  const note = (frame: ServerFrame) => void heard.push(JSON.stringify(frame));
  const events = { ready: (auth: object) => note(auth as ServerFrame), frame: note };
  const link: Link = openLink({ url: "ws://hub", auth, open: () => socket }, events, stop.signal);
  socket.onopen?.();
  return { link, written, heard, say: (text: string) => socket.onmessage?.({ data: text }) };
}

test("every frame of clients is written as ever", (context) => {
  for (const line of lines("> ")) {
    const frame = JSON.parse(line) as ClientFrame;
    if (frame.type === "auth") {
      assert.deepEqual(open(context, frame).written, [line]);
      continue;
    }
    const { link, written } = open(context, { type: "auth" });
    link.send(frame);
    assert.deepEqual(written.slice(1), [line]);
  }
});

test("every frame of the hub is read as ever", (context) => {
  for (const line of lines("< ")) {
    const { heard, say } = open(context, { type: "auth" });
    say(WELCOME);
    say(line);
    // The original hub's answer to `auth` says nothing; this client refuses to work with it.
    assert.deepEqual(heard, line === '{"type":"auth_ok"}' ? [WELCOME] : [WELCOME, line]);
  }
});

test("the types admit every frame", (context) => {
  if (spawnSync("tsc", ["--version"]).error !== undefined) return context.skip("tsc is not in the PATH");
  const dir = mkdtempSync(join(tmpdir(), "frames-"));
  context.after(() => rmSync(dir, { recursive: true }));
  const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const admits = (side: "> " | "< ", type: string) => lines(side).map((line) => `(${line}) satisfies ${type};\n`);
  const head = `import type { ClientFrame, ServerFrame } from ${JSON.stringify(here("frames.ts"))};\n`;
  writeFileSync(join(dir, "lines.ts"), [head, ...admits("> ", "ClientFrame"), ...admits("< ", "ServerFrame")].join(""));
  writeFileSync(join(dir, "package.json"), '{"type":"module"}');
  const compilerOptions = { noEmit: true, rewriteRelativeImportExtensions: false, types: [], rootDir: "/" };
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify({ extends: here("../tsconfig.json"), compilerOptions, files: ["lines.ts"], include: [] }));
  const { status, stdout } = spawnSync("tsc", ["-p", dir], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});
