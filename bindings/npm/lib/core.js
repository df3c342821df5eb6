// The desk that JavaScript and the WebAssembly module share: text in, fields out.
//
// Owns the layout of numbers (wasm/src/fields.rs has the same) and nothing of the format's rules.
// Knows no file system and no platform, so that browsers can use it too.

const KINDS = ['REQUEST', 'RESPONSE', 'CLARIFY', 'HANDOFF', 'BROADCAST'];
const STATUSES = ['done', 'partial', 'failed'];
const PRIORITIES = ['low', 'normal', 'high'];

/** Of each kind: the beginning of its block, and the label of what it is about. */
const HEADS = KINDS.map((kind) => `\`\`\`\n[${kind} → @`);
const LABELS = ['\nTask: ', '\nResult: ', '\nQuestion: ', '\nTask: ', '\nMessage: '];

/** Words and numbers of which there are few are put together with their lines once. */
const STATUS_LINES = new Map(STATUSES.map((word) => [word, `\nStatus: ${word}`]));
const LAST_LINES = new Map(PRIORITIES.map((word) => [word, `\nPriority: ${word}\n\`\`\``]));
const DEPTH_MAX = 99;
const DEPTH_LINES = [];

/**
 * What asks for a second look at a value, and for refusing a name. In long texts single signs are
 * found several times faster one by one than as a class.
 */
const CARE = /[`\n\r\u2028\u2029]/;
const CARE_NAME = /[`\s\u200b]/;
const LONG = 100;
const SPACE = 32;
const NEWLINE = 10;

const NONE = 0xffffffff;
/** Added to positions that count in the side text. */
const SIDE = 1 << 30;
/** Longer texts are no blocks (TEXT_BYTES_MAX, in units that are at least a byte each). */
const TEXT_MAX = 1 << 20;

/** Where `to` begins among the numbers, and where `meta` does. */
const TO_AT = 5;
const META_AT = TO_AT + 2 * 9;

/** How many numbers describe a block to build. */
const ORDER_LEN = 14;

/**
 * @param {WebAssembly.Exports} wasm the exports of the module
 * @param {(memory: ArrayBuffer) => {
 *   write(text: string, at: number, room: number): number,
 *   read(from: number, to: number): string,
 *   read16(from: number, to: number): string,
 * }} codecOf strings in and out of a memory: UTF-8 both ways, and UTF-16 out
 */
function createCore(wasm, codecOf) {
  const orderAt = wasm.order_at();
  let memory = new ArrayBuffer(0);
  let codec;
  let order;
  let desk = 0;
  let room = 0;

  /** Memory that grows gets a new buffer, and the old one is empty from then on. */
  function see() {
    if (memory.byteLength > 0) return;
    memory = wasm.memory.buffer;
    codec = codecOf(memory);
    order = new Uint32Array(memory, orderAt, ORDER_LEN);
  }

  /** Puts a text on the desk and returns its length in bytes. */
  function put(text) {
    const needed = text.length * 3;
    if (needed > room) {
      desk = wasm.input(needed);
      room = needed;
    }
    see();
    return codec.write(text, desk, room);
  }

  function takeText(length) {
    see();
    const at = wasm.text_at();
    return codec.read(at, at + length);
  }

  function parse(text) {
    if (typeof text !== 'string' || text.length > TEXT_MAX || !text.includes('[')) return null;
    const count = wasm.parse_block(put(text));
    if (count === 0) return null;
    see();
    const found = new Uint32Array(memory, wasm.numbers_at(), count);
    const side = wasm.side_len() > 0 ? takeText(wasm.side_len()) : '';
    const cut = (at) => {
      const start = found[at];
      if (start === NONE) return null;
      const end = found[at + 1];
      return start < SIDE ? text.slice(start, end) : side.slice(start - SIDE, end - SIDE);
    };
    const meta = {};
    for (let at = META_AT; at < count; at += 4) meta[cut(at)] = cut(at + 2);
    return {
      type: KINDS[found[0]],
      to: cut(TO_AT),
      from: cut(TO_AT + 2),
      requestId: cut(TO_AT + 4),
      task: cut(TO_AT + 6),
      result: cut(TO_AT + 8),
      context: cut(TO_AT + 10),
      depth: found[4] === NONE ? null : { current: found[3], max: found[4] },
      callback: cut(TO_AT + 12),
      priority: PRIORITIES[found[2]] ?? null,
      status: STATUSES[found[1]] ?? null,
      question: cut(TO_AT + 14),
      message: cut(TO_AT + 16),
      meta,
      raw: text,
    };
  }

  /** Writes an act that has its id; `kind` is a place in KINDS, and `body` what the act is about. */
  function build(kind, act, body) {
    return plainBlock(kind, act, body) ?? wasmBlock(kind, act);
  }

  function wasmBlock(kind, act) {
    const to = textOf(act.to);
    const from = textOf(act.from);
    const requestId = textOf(act.requestId);
    const task = textOf(act.task);
    const result = textOf(act.result);
    const context = textOf(act.context);
    const callback = textOf(act.callback);
    const question = textOf(act.question);
    const message = textOf(act.message);
    const status = textOf(act.status);
    const priority = textOf(act.priority);
    const length = put(to + from + requestId + task + result + context + callback + question
      + message + status + priority);
    const depth = act.depth;
    order[0] = kind;
    order[1] = depth ? countOf(depth.current) : 1;
    order[2] = depth ? countOf(depth.max) : 5;
    order[3] = to.length;
    order[4] = from.length;
    order[5] = requestId.length;
    order[6] = task.length;
    order[7] = result.length;
    order[8] = context.length;
    order[9] = callback.length;
    order[10] = question.length;
    order[11] = message.length;
    order[12] = status.length;
    order[13] = priority.length;
    const written = wasm.build_block(length);
    see();
    const at = wasm.block_at();
    if (written < 0) throw new Error(codec.read16(at, at - 2 * written));
    return codec.read16(at, at + 2 * written);
  }

  /** Any other verb, in JSON. */
  function call(...verb) {
    const answer = JSON.parse(takeText(wasm.call(put(JSON.stringify(verb, wellFormed)))));
    if ('error' in answer) throw new Error(answer.error);
    return answer.ok;
  }

  return { parse, build, wasmBlock, plainBlock, call };
}

/**
 * The block of an act about which there is nothing to think: no value needs escaping, and its depth
 * is common. Crossing into WebAssembly and back costs more than that. Everything else returns null
 * and is for Rust to write or to refuse; a test holds the two equal.
 */
function plainBlock(kind, act, body) {
  const { to, from, requestId, status, context, callback, priority, depth } = act;
  const depthLine = depth ? lineOfDepth(depth.current, depth.max) : '\nDepth: 1/5';
  if (depthLine === null) return null;
  if (typeof to !== 'string' || to === '' || CARE_NAME.test(to)) return null;
  if (!isPlain(from) || !isPlain(requestId)) return null;
  let text = `${HEADS[kind]}${to}]\nFrom: ${from}\nRequestId: ${requestId}`;
  if (status) {
    const line = STATUS_LINES.get(status);
    if (line === undefined) return null;
    text += line;
  }
  if (body) {
    if (!isPlain(body)) return null;
    text += LABELS[kind] + body;
  } else if (!status) {
    return null;
  }
  if (context) {
    if (!isPlain(context)) return null;
    text += `\nContext: ${context}`;
  }
  text += depthLine;
  if (callback) {
    if (!isPlain(callback)) return null;
    text += `\nCallback: ${callback}`;
  }
  const end = priority ? LAST_LINES.get(priority) : '\n```';
  // A unit of UTF-16 is three bytes at most; Rust counts, and refuses what is too long.
  if (end === undefined || text.length > TEXT_MAX / 3 - LONG) return null;
  return text + end;
}

/** The line of a depth at which every kind may be sent. */
function lineOfDepth(current, max) {
  if ((current | 0) !== current || (max | 0) !== max) return null;
  if (current < 1 || current >= max || max > DEPTH_MAX) return null;
  return DEPTH_LINES[max * DEPTH_MAX + current] ??= `\nDepth: ${current}/${max}`;
}

/** Whether a value is written as it is. */
function isPlain(value) {
  if (typeof value !== 'string' || needsGuard(value.charCodeAt(0))) return false;
  if (needsGuard(value.charCodeAt(value.length - 1))) return false;
  if (value.length < LONG && !CARE.test(value)) return true;
  return !(value.includes('`') && value.includes('``')) && !value.includes('\r')
    && !value.includes('\u2028') && !value.includes('\u2029')
    && !(value.includes('\n') && hasFieldLike(value));
}

/** Whether a value must not begin or end with this: white space, a guard, or nothing (NaN). */
function needsGuard(code) {
  if (code < 0xa0) return code <= SPACE;
  return !(code >= 0xa0) || CARE_NAME.test(String.fromCharCode(code));
}

/**
 * Whether a line after the first looks like a field. Far fewer colons than lines are worth a look,
 * and none is walked over twice: everything before a colon ends at the colon before it.
 */
function hasFieldLike(value) {
  for (let colon = value.indexOf(':'); colon >= 0; colon = value.indexOf(':', colon + 1)) {
    let at = colon - 1;
    while (isNoBreak(value.charCodeAt(at))) at--;
    const end = at;
    while (isOfKey(value.charCodeAt(at))) at--;
    if (at === end || !isLetter(value.charCodeAt(at + 1))) continue;
    while (isBlank(value.charCodeAt(at))) at--;
    if (value.charCodeAt(at) === NEWLINE) return true;
  }
  return false;
}

const isLetter = (code) => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
/** A letter, `-` or `_`. */
const isOfKey = (code) => isLetter(code) || code === 0x2d || code === 0x5f;
const isNoBreak = (code) => code === 0xa0 || code === 0x202f;
/** What a reader takes away before a line that looks like a field. */
const isBlank = (code) => code === SPACE || code === 0x09 || isNoBreak(code);

/** Half a surrogate pair is no character; UTF-8 cannot carry it, and Rust reads nothing else. */
function wellFormed(_, value) {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** What v0.1's templates made of a value; what it took for absent is empty. */
function textOf(value) {
  if (typeof value === 'string') return value;
  return value ? String(value) : '';
}

/** A number that can be a step; everything else becomes 0, which the rules refuse. */
function countOf(value) {
  const count = Number(value);
  return Number.isInteger(count) && count >= 0 && count < NONE ? count : 0;
}

module.exports = { createCore };
