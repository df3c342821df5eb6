import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile } from "../client/index.js";
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
  assert.equal(requests.answered("r2", "so far two", false), true);
  assert.equal(requests.outgoing("r2")?.to, "bob");
  assert.equal(requests.answered("r2", "three", true), true);
  assert.deepEqual(await answer, { parts: ["so far two", "three"], isWhole: true });
  assert.equal(requests.outgoing("r2"), undefined);
  assert.equal(requests.answered("r2", "again", true), false);
  requests.ask({ requestId: "r3", to: "bob", room: "lab", task: "x", depth, at: 0 });
  assert.equal(new Requests(file, 25 * 3_600_000).outgoing("r3"), undefined);
});

test("who waits no longer has what came so far, and the request goes on", async () => {
  const requests = new Requests(memoryFile());
  requests.ask({ requestId: "r4", to: "bob", room: "lab", task: "x", depth, at: Date.now() });
  const patience = new AbortController();
  const answer = requests.wait("r4", patience.signal);
  requests.answered("r4", "so far two", false);
  patience.abort();
  assert.deepEqual(await answer, { parts: ["so far two"], isWhole: false });
  assert.equal(requests.outgoing("r4")?.to, "bob");
});

test("only who was asked answers, and whom they handed it on to", () => {
  const file = memoryFile();
  const requests = new Requests(file);
  requests.ask({ requestId: "r5", to: "bob", room: "lab", task: "x", depth, at: Date.now() });
  const who = () => ["bob", "carol", "eve"].filter((bot) => requests.mayAnswer("r5", "lab", bot));
  requests.handedOn("r5", "lab", "eve", "eve");
  requests.handedOn("r5", "duo", "bob", "eve");
  assert.deepEqual(who(), ["bob"]);
  requests.handedOn("r5", "lab", "bob", "carol");
  assert.deepEqual(who(), ["bob", "carol"]);
  requests.handedOn("r5", "lab", "carol", "eve");
  assert.deepEqual(who(), ["bob", "carol", "eve"]);
  assert.equal(requests.mayAnswer("r5", "duo", "bob"), false);
  assert.ok(new Requests(file).mayAnswer("r5", "lab", "carol"));
});

test("a request that could not be written is not owed an answer", () => {
  const full = { read: () => undefined, write: () => assert.fail("the disk is full"), keep: () => {} };
  const requests = new Requests(full);
  assert.throws(() => requests.asked(incoming()), /the disk is full/);
  assert.deepEqual(requests.open.incoming, []);
});

test("what an older version left is answered by its entry", () => {
  const file = memoryFile({ incoming: [incoming({ entry: "e1" }), incoming({ requestId: "r2", entry: "lab/bob/e2" })], outgoing: [] });
  const requests = new Requests(file);
  requests.adopt([{ room: "lab", from: "bob", id: "e1" }]);
  assert.equal(requests.byEntry("lab/bob/e1")?.requestId, "r1");
  assert.equal(requests.byEntry("lab/bob/e2")?.requestId, "r2");
});
