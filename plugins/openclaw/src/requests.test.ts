import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile } from "./file.ts";
import { Requests, type Incoming } from "./requests.ts";

const depth = { current: 1, max: 5 };
const incoming = (more: Partial<Incoming> = {}): Incoming => ({
  requestId: "r1", entry: "e1", room: "lab", replyTo: "bob", task: "count", depth, at: Date.now(), ...more,
});

test("an answer finds its request by the entry, also after a restart", () => {
  const file = memoryFile();
  new Requests(file).asked(incoming());
  const later = new Requests(file);
  const found = later.byEntry("e1") ?? assert.fail("it was forgotten");
  assert.equal(found.replyTo, "bob");
  later.settled(found);
  assert.equal(new Requests(file).byEntry("e1"), undefined);
});

test("two bots may use the same request id", () => {
  const requests = new Requests(memoryFile());
  requests.asked(incoming());
  requests.asked(incoming({ entry: "e2", replyTo: "eve" }));
  assert.equal(requests.byEntry("e1")?.replyTo, "bob");
  assert.equal(requests.byEntry("e2")?.replyTo, "eve");
});

test("the answer to a question back belongs to who was asked, and takes the request over", () => {
  const requests = new Requests(memoryFile());
  requests.asked(incoming());
  requests.clarify(requests.byEntry("e1") ?? assert.fail("it was forgotten"));
  const next = { current: 3, max: 5 };
  assert.equal(requests.clarified("r1", { id: "e2", from: "eve" }, next), undefined);
  assert.equal(requests.clarified("r1", { id: "e2", from: "bob" }, next)?.task, "count");
  assert.deepEqual(requests.byEntry("e2")?.depth, next);
});

test("who waits for an answer gets it, and an old request is forgotten", async () => {
  const file = memoryFile();
  const requests = new Requests(file, 0);
  requests.ask({ requestId: "r2", to: "bob", room: "lab", task: "x", depth, at: 0 });
  const answer = requests.wait("r2", new AbortController().signal);
  assert.equal(requests.answered("r2", "three"), "waited");
  assert.equal(await answer, "three");
  assert.equal(requests.answered("r2", "again"), "unknown");
  requests.ask({ requestId: "r3", to: "bob", room: "lab", task: "x", depth, at: 0 });
  assert.equal(new Requests(file, 25 * 3_600_000).outgoing("r3"), undefined);
});
