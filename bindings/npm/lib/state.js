// Tracks conversations in a file, with the functions of v0.1 and its file.
//
// Owns reading and replacing the file so that nothing is lost: one writer at a time, a new file
// beside the old, fsync, rename, fsync of the folder. What conversations are is the core's business.

const fs = require('fs');
const path = require('path');
const { setTimeout: pause } = require('timers/promises');
const core = require('./wasm.js');
const { acquire } = require('./lock.js');

const STATE_FILE = process.env.BOT_PROTOCOL_STATE || path.join(
  process.env.HOME || process.env.USERPROFILE || '.',
  '.openclaw',
  'workspace',
  'bot-protocol-state.json',
);

/** v0.1 rewrites the file in place: a reader may meet it half written, and looks again. */
const LOOKS = 6;
const LOOK_AGAIN_MS = 25;

/** Within this process, one after the other: waiting here is cheaper than at the lock. */
let last = Promise.resolve();

/** Does `work` under the lock; it gets the state's text and returns what the core answered. */
function update(work) {
  const result = last.then(() => locked(work));
  last = result.catch(() => {});
  return result;
}

async function locked(work) {
  const file = target();
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const lock = await acquire(file);
  try {
    const answer = work((await load(file)) ?? (await setAside(file)));
    if (answer.warning) process.emitWarning(answer.warning, 'BotProtocolWarning');
    if (answer.state !== null) replace(file, answer.state, lock);
    return answer.result;
  } finally {
    lock.release();
  }
}

/** A symbolic link is followed, so that the file is replaced and not the link. */
function target() {
  try {
    return fs.realpathSync(STATE_FILE);
  } catch {
    return STATE_FILE;
  }
}

/** The text of the state; `{}` if there is no file, undefined if it is not legible. */
async function load(file) {
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await pause(LOOK_AGAIN_MS);
    let text;
    try {
      text = fs.readFileSync(file, 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return '{}';
      throw error;
    }
    if (isLegible(text)) return text;
  }
  return undefined;
}

function isLegible(text) {
  try {
    const state = JSON.parse(text);
    return typeof state === 'object' && state !== null && !Array.isArray(state);
  } catch {
    return false;
  }
}

/** Needs the lock. */
async function setAside(file) {
  const aside = `${file}.corrupt-${Date.now()}`;
  fs.renameSync(file, aside);
  const what = `\`${file}\` was not legible; it is kept as \`${aside}\`, and a new one begins`;
  process.emitWarning(what, 'BotProtocolWarning');
  return '{}';
}

function replace(file, text, lock) {
  const old = fs.statSync(file, { throwIfNoEntry: false });
  const out = fs.openSync(lock.temporary, 'w', old ? old.mode & 0o777 : 0o666);
  try {
    fs.writeFileSync(out, text);
    fs.fsyncSync(out);
  } finally {
    fs.closeSync(out);
  }
  if (!lock.isHeld()) {
    fs.rmSync(lock.temporary, { force: true });
    throw new Error(`\`${file}\` was taken over by another process while this one stood still`);
  }
  fs.renameSync(lock.temporary, file);
  syncFolder(path.dirname(file));
}

/** Only some systems let a folder be opened; where not, the rename is durable by itself. */
function syncFolder(folder) {
  let handle;
  try {
    handle = fs.openSync(folder, 'r');
  } catch {
    return;
  }
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Reads without the lock: a file that is replaced whole is always whole. */
async function look() {
  await last;
  const text = await load(target());
  return text ?? update((state) => ({ state: null, result: state }));
}

/** Adds a parsed message to its conversation, or opens one; returns the conversation. */
async function track(parsedMessage) {
  const { requestId, type, from, to, task, result, question, message, status, depth } = parsedMessage;
  if (!requestId) throw new Error('track requires field: requestId');
  const said = { requestId, type, from, to, task, result, question, message, status, depth };
  return update((state) => core.call('track', state, said, Date.now()));
}

/** The conversation with this id, or null. */
async function get(requestId) {
  return core.call('get', await look(), String(requestId));
}

/** Conversations with their ids, all or those with this status, sender, recipient. */
async function list({ status, from, to } = {}) {
  return core.call('list', await look(), { status, from, to });
}

/** Stops waiting for a conversation; returns it, or null. */
async function timeout(requestId, reason = 'timeout') {
  return update((state) => core.call('timeout', state, String(requestId), reason, Date.now()));
}

/** Forgets conversations that ended longer ago than this; returns how many. */
async function cleanup(olderThanMs = 24 * 60 * 60 * 1000) {
  const age = Math.min(Math.max(0, Math.floor(olderThanMs)), Number.MAX_SAFE_INTEGER);
  return update((state) => core.call('cleanup', state, age, Date.now()));
}

/** Stops waiting for every conversation that nobody answered in time; returns their ids. */
async function checkTimeouts() {
  return update((state) => core.call('checkTimeouts', state, Date.now()));
}

module.exports = { track, get, list, timeout, cleanup, checkTimeouts, STATE_FILE };
