// What JavaScript adds to the builder: the way around WebAssembly, ids, odd arguments.

const test = require('node:test');
const assert = require('node:assert/strict');
const { numbers } = require('./shared.cjs');
const core = require('../lib/wasm.js');
const { parse } = require('../lib/parser.js');
const builder = require('../lib/builder.js');

const PIECES = [
  'a', 'word ', ' ', '\n', '`', '``', 'Status: done', '\r', '\u200b', '\u2028', 'ü', '\u{1f600}', '→', '~', '!',
  '@', ']', '\t', '\u00a0', '\u202f', '\u3000', ':', '-', '',
];
const BODIES = ['task', 'result', 'question', 'task', 'message'];

function text(below) {
  // Mostly plain, or the way around would hardly ever be taken.
  const from = below(12) === 0 ? PIECES : ['a', 'Bc', ' ', '1/5', ': ', '\n', 'ü', '漢', '\x01'];
  const length = below(20) === 0 ? 150 : 1 + below(4);
  return Array.from({ length }, () => from[below(from.length)]).join('');
}

function act(below, kind) {
  const maybe = (make) => (below(3) === 0 ? make() : undefined);
  const fields = {
    to: kind === 4 ? 'all' : text(below),
    from: text(below),
    requestId: text(below),
    context: maybe(() => text(below)),
    depth: maybe(() => ({ current: below(7), max: below(7) })),
    [BODIES[kind]]: maybe(() => text(below)) ?? 'x',
  };
  if (kind === 1) fields.status = maybe(() => ['done', 'partial', 'late'][below(3)]);
  if (kind === 0 || kind === 3) {
    fields.callback = maybe(() => text(below));
    fields.priority = maybe(() => ['low', 'high', 'soon'][below(3)]);
  }
  return fields;
}

const outcome = (build) => {
  try {
    return build();
  } catch (error) {
    return error.message;
  }
};

test('the way around WebAssembly writes what WebAssembly writes', () => {
  const below = numbers(1);
  let short = 0;
  for (let round = 0; round < 20_000; round++) {
    const kind = below(5);
    const fields = act(below, kind);
    const body = fields[BODIES[kind]];
    const long = outcome(() => core.wasmBlock(kind, fields));
    assert.equal(outcome(() => core.build(kind, fields, body)), long, JSON.stringify(fields));
    short += core.plainBlock(kind, fields, body) === null ? 0 : 1;
  }
  assert.ok(short > 500, `only ${short} were plain`);
});

/** Every text of at most `length` of these signs. */
function* texts(signs, length) {
  yield '';
  if (length === 0) return;
  for (const rest of texts(signs, length - 1)) for (const sign of signs) yield sign + rest;
}

for (const [what, signs] of [
  ['lines that look like fields', ['\n', ' ', '\u00a0', 'k', '-', ':']],
  ['backticks, guards and line ends', ['`', '\u200b', '\n', '\r', '\u2028', 'k:']],
  ['white space at the ends', [' ', '\t', '\u3000', '\ufeff', '\u0085', '\x01', '漢']],
]) {
  test(`the way around is not taken wrongly by ${what}`, () => {
    let short = 0;
    for (const task of texts(signs, 6)) {
      for (const value of [task, `x${task}`, `${'long '.repeat(30)}${task}x`]) {
        const fields = { to: 'b', from: 'a', requestId: 'a-1', task: value };
        const plain = value && core.plainBlock(0, fields, value);
        if (!plain) continue;
        short += 1;
        if (plain !== core.wasmBlock(0, fields)) assert.equal(plain, core.wasmBlock(0, fields));
      }
    }
    assert.ok(short > 100, `only ${short} were plain`);
  });
}

test('a long value is refused where a reader would refuse it', () => {
  const build = (length, sign) => () => builder.buildRequest({ to: 'b', from: 'a', task: sign.repeat(length) });
  assert.equal(parse(build(2 ** 20 - 100, 'x')()).task.length, 2 ** 20 - 100);
  assert.throws(build(2 ** 20, 'x'), /longer than 1048576 bytes/);
  assert.throws(build(2 ** 19, '漢'), /longer than 1048576 bytes/);
});

test('what was built is read back', () => {
  const below = numbers(2);
  for (let round = 0; round < 20_000; round++) {
    const fields = { to: 'b', from: text(below), requestId: text(below), task: text(below) };
    if (Object.values(fields).includes('')) continue;
    const { to, from, requestId, task } = parse(builder.buildRequest(fields));
    assert.deepEqual({ to, from, requestId, task }, fields);
  }
});

test('an id is the name and six digits, and hardly ever the same', () => {
  const ids = new Set(Array.from({ length: 5000 }, () => builder.generateRequestId('Lot Bot_7ü')));
  // Of 36^6, two of 5,000 are the same in one run of 170; five in none that anybody will see.
  assert.ok(ids.size > 4995, `${ids.size} different ones`);
  for (const id of ids) assert.match(id, /^lotbot7-[0-9a-z]{6}$/);
  const { requestId } = parse(builder.buildRequest({ to: 'b', from: 'Ann', task: 't' }));
  assert.match(requestId, /^ann-[0-9a-z]{6}$/);
});

test('a reply is one step deeper', () => {
  assert.deepEqual(builder.incrementDepth({ current: 2, max: 5 }), { current: 3, max: 5 });
  assert.throws(() => builder.incrementDepth(null), /requires valid incoming depth/);
});

test('numbers and other values are written as templates write them', () => {
  const block = builder.buildRequest({ to: 'b', from: 'a', task: 42, context: [1, 2] });
  assert.equal(parse(block).task, '42');
  assert.equal(parse(block).context, '1,2');
  assert.throws(() => builder.buildRequest({ to: 'b', from: 'a', task: 0 }), /requires field: task/);
  const depth = { current: '2', max: '5' };
  assert.deepEqual(parse(builder.buildRequest({ to: 'b', from: 'a', task: 't', depth })).depth, {
    current: 2,
    max: 5,
  });
});

test('whatever is no text is no block', () => {
  for (const nothing of [undefined, null, 7, {}, [], '', true]) assert.equal(parse(nothing), null);
  assert.equal(parse('x\n'.repeat(2 ** 20)), null);
});

test('half a character does no harm', () => {
  const build = (task) => builder.buildRequest({ to: 'b', from: 'a', task });
  assert.equal(parse(build('x\ud800y')).task, 'x\ud800y');
  assert.equal(parse(build('x\ud800```')).task, 'x\ufffd```');
});

test('a long act travels in parts', () => {
  const { join, lint } = require('../lib/parser.js');
  const task = 'All work and no play.\nStatus: dull\n'.repeat(300);
  const parts = builder.split(builder.buildRequest({ to: 'b', from: 'a', task }), 2000);
  assert.ok(parts.length > 4 && parts.every((part) => part.length <= 2000));
  assert.equal(join(parts.reverse()).task, task);
  assert.throws(() => join(parts.slice(1)), /part \d+ is missing/);
  assert.equal(lint(parts[0])[0].type, 'part');
});
