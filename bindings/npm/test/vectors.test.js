// The vectors that Rust and JavaScript share, read by JavaScript.

const test = require('node:test');
const assert = require('node:assert/strict');
const { complete, vectors } = require('./shared.cjs');
const { parse, explain } = require('../lib/parser.js');
const builder = require('../lib/builder.js');

const BUILDERS = {
  REQUEST: builder.buildRequest,
  RESPONSE: builder.buildResponse,
  CLARIFY: builder.buildClarify,
  HANDOFF: builder.buildHandoff,
  BROADCAST: builder.buildBroadcast,
};

for (const name of ['parse', 'differences', 'platforms']) {
  test(`texts are read as vectors/${name}.json says`, () => {
    for (const { name: what, text, act, error } of vectors(name)) {
      assert.deepEqual(parse(text), act && { ...complete(act), raw: text }, what);
      if (!error) continue;
      const { line, column, message } = explain(text);
      assert.equal(`${line}:${column}: ${message}`, error, what);
    }
  });
}

test('blocks are built, or refused, as vectors/build.json says', () => {
  for (const { name, draft: { type, ...fields }, text, error } of vectors('build')) {
    if (error) assert.throws(() => BUILDERS[type](fields), { message: error }, name);
    else assert.equal(BUILDERS[type](fields), text, name);
  }
});

test('values are written as vectors/values.json says, and come back', () => {
  for (const { name, value, written } of vectors('values')) {
    const block = builder.buildRequest({ to: 'b', from: 'a', task: value });
    const space = written.startsWith('\n') ? '' : ' ';
    assert.ok(block.includes(`\nTask:${space}${written}\nDepth:`), name);
    assert.equal(parse(block).task, value, name);
  }
});
