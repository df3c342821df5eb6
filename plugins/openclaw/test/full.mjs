// Two real gateways with homes of their own, talking through the real hub.
//
//   node --test test/full.mjs     with HUB, OPENCLAW and PLUGIN in the environment

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { everything, trace, unaccounted } from "./audit.mjs";
import { Bot, PATIENCE } from "./bot.mjs";
import { Gateway } from "./gateway.mjs";
import { startHub } from "./hub.mjs";
import { startModel } from "./model.mjs";
import { startWire } from "./wire.mjs";

const { HUB, OPENCLAW, PLUGIN, KEEP } = process.env;
const dir = mkdtempSync(join(tmpdir(), "bot-hub-full-"));
const bots = ["alice", "bob", "carol", "tester"];
const rooms = ["lab", "duo", "pair", "crash", "flood", "loop", "still"];
/** A job must not fire while the command that made it still runs: OpenClaw lets one process at a time write. */
const SOON = "20s";
let hub, wire, model, alice, bob, tester;

const startHubAgain = (listen) => startHub({ binary: HUB, dir: join(dir, "hub"), bots, listen });

function gateway(bot, more = {}) {
  return new Gateway({
    openclaw: OPENCLAW,
    plugin: PLUGIN,
    dir: join(dir, bot),
    modelUrl: model.url,
    agents: { main: "default" },
    channel: { url: bot === "bob" ? wire.url : hub.url, token: `tok-${bot}`, rooms: rooms.filter((it) => it !== (bot === "bob" ? "duo" : "")), allowFrom: bots, ...more },
  });
}

/** Waits until a bot is connected, by asking. */
async function present(name) {
  for (const end = Date.now() + 240_000; Date.now() < end; ) {
    const at = tester.frames.length;
    tester.send({ type: "who", room: "lab" });
    const who = await tester.until((it) => tester.frames.indexOf(it) >= at && it.type === "who");
    const latest = tester.frames.slice(at).find((it) => it.type === "who") ?? who;
    if (latest.bots.some((it) => it.bot === name && it.state !== "offline")) return;
    await pause(200);
  }
  throw new Error(`${name} did not come back`);
}

async function until(holds, what, { ms = 120_000 } = {}) {
  for (const end = Date.now() + ms * PATIENCE; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`it never came to this: ${what}`);
    await pause(100);
  }
}

/** Runs the example's script on a gateway; the model takes `prompt` for what it is to do. */
async function schedule(gateway, prompt, args) {
  const command = fileURLToPath(new URL("../../../examples/daily-brainstorm/schedule", import.meta.url));
  const env = { ...gateway.env, OPENCLAW_COMMAND: `${process.execPath} ${join(OPENCLAW, "openclaw.mjs")}` };
  if (prompt !== undefined) {
    env.PROMPT = join(dir, `${args[0]}.md`);
    writeFileSync(env.PROMPT, prompt);
  }
  await promisify(execFile)(command, args, { env });
}

const block = (to, id, task, depth = "1/5", kind = "REQUEST") =>
  ["```", `[${kind} → @${to}]`, "From: tester", `RequestId: ${id}`, `Task: ${task}`, `Depth: ${depth}`, "```"].join("\n");

describe("two gateways", { timeout: 3_600_000 }, () => {
  before(async () => {
    model = await startModel();
    hub = await startHubAgain("127.0.0.1:0");
    wire = await startWire(hub.url);
    tester = await Bot.connect(hub.url, "tok-tester", rooms);
    alice = gateway("alice");
    bob = gateway("bob", { groups: { loop: { requireMention: false, botLoopProtection: { maxEventsPerWindow: 6, windowSeconds: 60, cooldownSeconds: 60 } } } });
    alice.channel.groups = { loop: { requireMention: false }, still: { turns: 3 } };
    await Promise.all([alice.start(), bob.start()]);
    await present("alice");
    await present("bob");
  });
  after(async () => {
    await Promise.all([alice?.stop(), bob?.stop()]);
    tester?.close();
    wire?.stop();
    await hub?.stop();
    await model?.stop();
    if (KEEP) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  });

  test("a round trip through two gateways", async () => {
    const id = tester.say("lab", "@alice SAY @bob SAY the chain is closed");
    const first = await tester.until((it) => it.type === "message" && it.reply_to === id && it.from === "alice");
    const second = await tester.answer(first.id);
    assert.equal(second.from, "bob");
    assert.equal(second.text, "the chain is closed");
    await tester.receipt(id, "alice", "answered");
  });

  test("a request through three hops comes back to who asked, and no agent sees syntax", async () => {
    const handoff = JSON.stringify({ bot: "bob", task: "SAY the third one did it" });
    tester.say("lab", block("alice", "tester-hop001", `CALL bot_hub_handoff ${handoff}`));
    const answer = await tester.until((it) => it.type === "message" && it.from === "bob" && it.text.includes("tester-hop001"));
    assert.match(answer.text, /\[RESPONSE → @tester\]/);
    assert.match(answer.text, /Result: the third one did it/);
    assert.match(answer.text, /Depth: 3\/5/);
    const prompts = model.requests.filter((it) => /the third one/.test(it.prompt)).map((it) => it.prompt);
    assert.ok(prompts.length >= 2);
    for (const prompt of prompts) assert.doesNotMatch(prompt, /\[(REQUEST|HANDOFF)|RequestId|Depth:/);
  });

  test("at the last step only an answer leaves", async () => {
    const call = JSON.stringify({ bot: "bob", task: "SAY never", room: "lab" });
    const id = tester.say("lab", block("alice", "tester-deep01", `CALL bot_hub_ask ${call}`, "5/5"));
    const answer = await tester.answer(id);
    assert.match(answer.text, /\[RESPONSE → @tester\]/);
    assert.match(answer.text, /as many steps as it may/);
    assert.ok(!model.requests.some((it) => it.prompt.includes("asks bob: SAY never")));
  });

  test("an announcement of cron arrives in the room", async () => {
    const { code, stderr, stdout } = await alice.run(["cron", "add", "--name", "ping", "--at", SOON, "--message", "SAY good morning from cron", "--session", "isolated", "--announce", "--channel", "bot-hub", "--to", "room:pair"]);
    assert.equal(code, 0, stderr + stdout);
    const got = await tester.until((it) => it.type === "message" && it.room === "pair" && it.text.includes("good morning from cron"), { ms: 120_000 });
    assert.equal(got.from, "alice");
  });

  test("the daily brainstorm of the example goes from ping to end, with cron on both gateways", async () => {
    const review = JSON.stringify({ bot: "bob", task: "SAY good as it is", room: "pair" });
    const host = `SAY @{PEER} ping: two ideas SAY @alice the first one, brainstormed CALL bot_hub_ask ${review}`;
    await schedule(alice, host, ["host", "bob", "pair", "--at", SOON]);
    await schedule(bob, "SILENT, {PEER} has opened today's brainstorm in {ROOM}", ["guest", "alice", "pair", "--at", SOON]);
    const end = await tester.until((it) => it.type === "message" && it.room === "pair" && it.from === "alice" && /^RESULT.*good as it is/.test(it.text), { ms: 180_000 });
    const seq = tester.frames.find((it) => it.type === "message" && it.room === "pair" && it.text.startsWith("@bob ping")).seq;
    const said = tester.frames.filter((it) => it.type === "message" && it.room === "pair" && it.seq >= seq && it.seq <= end.seq);
    assert.deepEqual(said.map((it) => it.from), ["alice", "bob", "alice", "bob", "alice"]);
    assert.match(said[2].text, /\[REQUEST → @bob\]/);
    assert.match(said[3].text, /\[RESPONSE → @alice\]/);
    await until(() => model.requests.some((it) => it.prompt.includes("alice has opened today's brainstorm in pair")), "the guest's cron fires");
  });

  test("without flags the example is scheduled for every morning, on both sides", async () => {
    for (const [it, role, peer] of [[alice, "host", "bob"], [bob, "guest", "alice"]]) {
      await schedule(it, undefined, [role, peer, "pair"]);
      const { stdout } = await it.run(["cron", "list", "--json"]);
      const job = JSON.parse(stdout).jobs.find((job) => job.name === `daily-brainstorm-${role}`);
      assert.match(JSON.stringify(job), role === "host" ? /"0,4,8,12 10 \* \* \*"/ : /"2,6,10,14 10 \* \* \*"/);
      assert.match(JSON.stringify(job), new RegExp(`daily brainstorm with ${peer} in the room pair`));
    }
  });

  test("an owner's agent sends and waits for the answer with conversations_turn", async () => {
    const ask = async (text) => (await alice.run(["agent", "--agent", "main", "--message", text, "--json"])).stdout;
    const listed = await ask(`CALL conversations_list ${JSON.stringify({ channel: "bot-hub", query: "bob" })}`);
    const ref = /conversationRef[\\": ]+([\w:./=-]+)/.exec(listed)?.[1];
    assert.ok(ref, listed);
    const turned = await ask(`CALL conversations_turn ${JSON.stringify({ conversationRef: ref, message: "SAY turned", timeoutSeconds: 60 })}`);
    assert.match(turned, /replied/);
    assert.match(turned, /turned/);
  });

  test("a message goes to a bot and to a room, and a wrong target is refused with a hint", async () => {
    await alice.call("send", { channel: "bot-hub", to: "bot:tester", message: "just you", idempotencyKey: "d1" });
    const direct = await tester.until((it) => it.type === "message" && it.text === "just you");
    assert.equal(direct.room, "dm:alice:tester");
    const wrong = await alice.call("send", { channel: "bot-hub", to: "room:bob", message: "x", idempotencyKey: "d2" }).catch((error) => error.message);
    assert.match(wrong, /`bob` is a bot, not a room/);
    const unknown = await alice.run(["message", "send", "--channel", "bot-hub", "--target", "nobody", "--message", "x"]);
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr + unknown.stdout, /room:name\|bot:name/);
  });

  test("the hub is restarted, and what was said meanwhile is answered", async () => {
    const { address } = hub;
    await hub.stop();
    hub = await startHubAgain(address);
    await tester.open();
    const id = tester.say("lab", "@bob SAY after the restart");
    assert.equal((await tester.answer(id)).text, "after the restart");
  });

  test("a gateway is killed in the middle of a turn, and the answer still comes, tied to its message", async () => {
    const id = tester.say("crash", "@bob SLOW 4000 SAY survived");
    await tester.receipt(id, "bob", "started");
    await bob.stop("SIGKILL");
    await bob.start();
    const answer = await tester.answer(id, { ms: 180_000 });
    assert.match(answer.text, /survived/);
    await tester.receipt(id, "bob", "answered");
  });

  test("a gateway is killed while the hub is away, and its answer is not lost", async () => {
    // Alice this time: after three crashes of one gateway within five minutes OpenClaw starts no channels.
    const id = tester.say("crash", "@alice SLOW 2500 SAY said to a hub that was away");
    await tester.receipt(id, "alice", "started");
    const { address } = hub;
    await hub.stop("SIGKILL");
    const unsent = join(alice.dir, "state", "bot-hub", "default.outbox.json");
    await until(() => readFileSync(unsent, "utf8").includes("a hub that was away"), "the answer is on disk");
    await alice.stop("SIGKILL");
    hub = await startHubAgain(address);
    await tester.open();
    await alice.start();
    const answer = await tester.answer(id, { ms: 180_000 });
    assert.match(answer.text, /hub that was away/);
  });

  test("a gateway is killed between its words and the hub's acknowledgement: nothing is said twice, nothing is lost", async () => {
    const times = async (text) => (await everything(hub)).filter((it) => it.from === "bob" && it.text === text).length;
    const id = tester.say("crash", "@bob SLOW 2000 SAY an answer, once");
    await tester.receipt(id, "bob", "started");
    wire.deaf(true);
    await tester.answer(id, { ms: 120_000 });
    const sending = bob.call("send", { channel: "bot-hub", to: "room:pair", message: "out of the blue, once", idempotencyKey: "once" }).catch(() => {});
    // One message is under way at a time: this one waits on disk behind the answer.
    const unsent = join(bob.dir, "state", "bot-hub", "default.outbox.json");
    await until(() => readFileSync(unsent, "utf8").includes("out of the blue, once"), "the second one is on disk");
    await bob.stop("SIGKILL");
    await sending;
    wire.deaf(false);
    await bob.start();
    await tester.receipt(id, "bob", "answered");
    // What OpenClaw recovers comes before what is new.
    for (const room of ["crash", "pair"]) await tester.answer(tester.say(room, "@bob SAY and now"), { ms: 120_000 });
    await until(async () => (await bob.call("bothub.status")).accounts[0].unsent === 0, "everything is acknowledged");
    // OpenClaw does not know either, and the hub tells it: about a minute after the send, when nobody can be at it any more.
    await until(() => /reconciled unknown_after_send as already sent/.test(bob.text()), "OpenClaw has asked the hub", { ms: 180_000 });
    assert.deepEqual([await times("an answer, once"), await times("out of the blue, once")], [1, 1]);
    // And so it has no reason to say in a room that it does not know.
    assert.deepEqual((await everything(hub)).filter((it) => /couldn.t confirm/.test(it.text)), []);
  });

  test("a night of 120 messages is one turn: what is addressed is whole, what is left out is named, and receipts say which is which", async (t) => {
    await bob.stop();
    const urgent = [5, 30, 60, 90, 120];
    const long = "details ".repeat(300);
    const ids = Array.from({ length: 120 }, (_, n) => {
      const words = urgent.includes(n + 1) ? `@bob urgent ${n + 1} ${n === 119 ? "SAY caught up" : long}` : `chatter number ${n + 1} ${"about this and that ".repeat(20)}`;
      return tester.say("flood", words);
    });
    await tester.until((it) => it.type === "ack" && it.id === ids[119]);
    const before = model.requests.length;
    await bob.start();
    const answer = await tester.until((it) => it.type === "message" && it.from === "bob" && it.text === "caught up", { ms: 240_000 });
    for (const n of urgent) assert.equal((await tester.receipt(ids[n - 1], "bob", "answered")).reply, answer.id);
    const others = ids.filter((_, at) => !urgent.includes(at + 1));
    const reasons = [];
    for (const id of others) reasons.push((await tester.receipt(id, "bob", "done")).reason);
    const turns = model.requests.slice(before).filter((it) => it.prompt.includes("flood"));
    assert.equal(turns.length, 1);
    const [{ prompt }] = turns;
    assert.match(prompt, /\[120 messages waited in room flood/);
    for (const n of urgent.slice(0, 4)) assert.ok(prompt.includes(`@bob urgent ${n} ${long.trim()}`), `urgent ${n}`);
    assert.match(prompt, /\[Left out here: \d+ messages not addressed to you, of tester \(\d+\); numbers \d+ to \d+, ids \S+ to \S+; read them with bot_hub_history/);
    const count = (pattern) => reasons.filter((it) => pattern.test(it)).length;
    const [whole, short, named] = [/^read as background: not/, /^read as background, shortened/, /^left out of a turn with 120 messages/].map(count);
    assert.equal(whole + short + named, 115);
    assert.ok(named > 0 && whole > 0);
    t.diagnostic(`1 turn, ${prompt.length} characters; receipts: 5 answered, ${whole} whole, ${short} shortened, ${named} named`);
    if (KEEP) writeFileSync(join(dir, "night.txt"), prompt);
  });

  test("a room without a person stands still after so many turns, and its owner lets it go on", async () => {
    const ids = [];
    for (let n = 1; n <= 4; n++) {
      ids.push(tester.say("still", `@alice SAY turn ${n}`));
      if (n <= 3) await tester.answer(ids.at(-1));
    }
    const { accounts } = await alice.call("bothub.status");
    assert.deepEqual(accounts[0].stops.map((it) => [it.room, it.turns]), [["still", 3]]);
    assert.match((await alice.run(["channels", "status"])).stdout, /`still` stands still.*3 turns without a person/s);
    assert.match(alice.text(), /`still` stands still/);
    await until(() => model.requests.some((it) => it.raw.includes("Bot Hub: the room `still` stands still")), "the owner's main session hears of it");
    assert.ok(!tester.frames.some((it) => it.type === "message" && it.reply_to === ids[3]));
    const { code, stdout, stderr } = await alice.run(["bothub", "resume", "still"]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal((await tester.answer(ids[3])).text, "turn 4");
  });

  test("two bots that would talk for ever are stopped, visibly", async () => {
    tester.say("loop", "@alice SAY SAY SAY SAY SAY SAY SAY SAY SAY SAY SAY SAY SAY SAY SAY ping");
    const said = () => tester.frames.filter((it) => it.type === "message" && it.room === "loop");
    let end;
    for (const deadline = Date.now() + 240_000; Date.now() < deadline && end?.state !== "declined"; ) {
      await pause(500);
      const newest = said().findLast((it) => it.from === "alice");
      if (newest === undefined) continue;
      const { recipients } = await trace(hub, newest);
      end = recipients.find((it) => it.bot === "bob");
    }
    assert.match(end.steps.at(-1).reason, /loop guard/);
    // Without the guard of `loop` OpenClaw would stop them after twenty.
    assert.ok(said().length <= 20, `${said().length} messages`);
  });

  test("the plugin is reloaded on a running gateway", async (t) => {
    const { code, stderr, stdout } = await alice.run(["plugins", "reload", "bot-hub"]);
    if (/has no command "reload"/.test(stderr + stdout)) return t.skip("this OpenClaw cannot reload plugins");
    assert.equal(code, 0, stderr + stdout);
    const id = tester.say("lab", "@alice SAY reloaded");
    assert.equal((await tester.answer(id)).text, "reloaded");
  });

  test("a bad token is a status that says what to do", async () => {
    alice.channel = { ...alice.channel, token: "wrong", roms: ["lab"] };
    await alice.configure();
    await tester.until((it) => it.type === "presence" && it.bot === "alice" && it.state === "offline", { ms: 60_000 }).catch(() => {});
    let text = "";
    for (const deadline = Date.now() + 240_000; Date.now() < deadline && !/token is not known/.test(text); ) {
      await pause(500);
      text = (await alice.run(["channels", "status"])).stdout;
    }
    assert.match(text, /token is not known to this hub/);
    assert.match(text, /channels\.bot-hub\.roms/);
    alice.channel = { ...alice.channel, token: "tok-alice" };
    delete alice.channel.roms;
    await alice.configure();
    await present("alice");
    const id = tester.say("lab", "@alice SAY healed");
    assert.equal((await tester.answer(id)).text, "healed");
  });

  test("`bot-hub trace` tells the end of every message that anybody sent", async () => {
    const { open, count } = await unaccounted(hub);
    assert.deepEqual(open, []);
    const seen = new Set(tester.frames.filter((it) => it.type === "message" || it.type === "ack").map((it) => `${it.room}/${it.id}`));
    assert.ok(seen.size > 0 && count >= seen.size, `${count} messages, of ${seen.size} that the tester knows`);
  });
});
