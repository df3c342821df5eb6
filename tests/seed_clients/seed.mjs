// A plain client of the seed's protocol, in JavaScript: `seed.mjs SCENARIO URL`.
//
// Compares what the hub sends with what the original sent: byte for byte where the seed fixes it, field
// by field where a frame may carry more.

import assert from 'node:assert/strict';
import { WebSocket } from 'ws';

const ROOM = 'marlbot-pelouse';
const WAIT_MS = 10_000;

/** One connection: says frames as text, expects frames as text. */
class Bot {
  static async connect(name, url) {
    const socket = new WebSocket(url);
    const bot = new Bot(name, socket);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return bot;
  }

  constructor(name, socket) {
    Object.assign(this, { name, socket, heard: [], waiting: [] });
    socket.on('message', (data, isBinary) => {
      assert(!isBinary, `${name}: a binary frame`);
      const waiter = this.waiting.shift();
      if (waiter) waiter(data.toString());
      else this.heard.push(data.toString());
    });
  }

  say(text) {
    this.socket.send(text);
  }

  hear() {
    if (this.heard.length > 0) return Promise.resolve(this.heard.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} hears nothing`)), WAIT_MS);
      this.waiting.push((text) => {
        clearTimeout(timer);
        resolve(text);
      });
    });
  }

  async expect(expected) {
    assert.equal(await this.hear(), expected, this.name);
  }

  /** A frame that must not come would come before the answer to this. */
  async silence() {
    const pong = new Promise((resolve) => this.socket.once('pong', resolve));
    this.socket.ping();
    await pong;
    assert.deepEqual(this.heard, [], this.name);
  }

  async enter(members) {
    this.say(`{ "type": "auth", "token": "token-for-${this.name}" }`);
    await this.expect('{"type":"auth_ok"}');
    this.say(`{ "type": "join", "room": "${ROOM}" }`);
    const listed = members.map((member) => `"${member}"`).join(',');
    await this.expect(`{"type":"joined","room":"${ROOM}","members":[${listed}]}`);
  }

  async close() {
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.close();
    await closed;
  }
}

/** The exchange of the blog post, to the letter. */
async function transcript(url) {
  const pelouse = await Bot.connect('pelouse', url);
  const marlbot = await Bot.connect('marlbot', url);
  await pelouse.enter([]);
  await marlbot.enter(['pelouse']);
  marlbot.say(`{ "type": "message", "room": "${ROOM}", "text": "Hey, article idea?" }`);
  await marlbot.expect(`{"type":"ack","room":"${ROOM}","delivered":1}`);
  await pelouse.expect(
    `{"type":"message","room":"${ROOM}","from":"marlbot","text":"Hey, article idea?"}`,
  );
  await marlbot.silence();
  await pelouse.silence();
  await Promise.all([marlbot.close(), pelouse.close()]);
}

/** 60 messages to a bot that is away: `kept` of them arrive, and the loss is announced. */
async function absent(url, kept) {
  const early = await Bot.connect('pelouse', url);
  await early.enter([]);
  await early.close();

  const marlbot = await Bot.connect('marlbot', url);
  marlbot.say('{"type":"auth","token":"token-for-marlbot"}');
  await marlbot.expect('{"type":"auth_ok"}');
  // Until the hub has noticed that the other one left, it is still a member that is here.
  for (let members = ['pelouse']; members.length > 0; ) {
    marlbot.say(`{"type":"join","room":"${ROOM}"}`);
    ({ members } = JSON.parse(await marlbot.hear()));
  }
  let sum = 0;
  for (let number = 1; number <= 60; number += 1) {
    marlbot.say(JSON.stringify({ type: 'message', room: ROOM, text: `message ${number}` }));
    const { dropped = 0, ...ack } = JSON.parse(await marlbot.hear());
    sum += dropped;
    assert.deepEqual(ack, { type: 'ack', room: ROOM, delivered: 0 });
  }
  assert.equal(sum, 60 - kept, 'what the sender heard of dropped messages');
  await marlbot.close();

  const pelouse = await Bot.connect('pelouse', url);
  pelouse.say('{"type":"auth","token":"token-for-pelouse"}');
  await pelouse.expect('{"type":"auth_ok"}');
  pelouse.say(`{"type":"join","room":"${ROOM}"}`);
  assert.equal(JSON.parse(await pelouse.hear()).type, 'joined');
  for (let number = 60 - kept + 1; number <= 60; number += 1) {
    const { lost = 0, age_ms: age, ...message } = JSON.parse(await pelouse.hear());
    assert.equal(lost, number === 60 - kept + 1 ? 60 - kept : 0, `lost before message ${number}`);
    assert(age >= 0);
    const said = { type: 'message', room: ROOM, from: 'marlbot', text: `message ${number}` };
    assert.deepEqual(message, said);
  }
  await pelouse.silence();
  await pelouse.close();
}

const scenarios = {
  transcript,
  'absent-60': (url) => absent(url, 60),
  'absent-50': (url) => absent(url, 50),
};

const [scenario, url] = process.argv.slice(2);
try {
  await scenarios[scenario](url);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
