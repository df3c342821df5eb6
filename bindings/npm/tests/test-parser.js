// What the parser makes of a text. Part of the package: `npm test` shows that it works where it lies.

const test = require('node:test');
const assert = require('node:assert/strict');
const { parse } = require('../lib/parser.js');

const REQUEST = `\`\`\`
[REQUEST → @Mantis]
From: Lotbot
RequestId: lotbot-abc123
Task: Check Mac Mini CLI version and report if outdated
Context: Running weekly system audit
Depth: 1/5
Priority: normal
\`\`\``;

test('a request is read with all its fields', () => {
  const act = parse(`Hello!\n${REQUEST}\nThank you.`);
  assert.equal(act.type, 'REQUEST');
  assert.equal(act.to, 'Mantis');
  assert.equal(act.from, 'Lotbot');
  assert.equal(act.requestId, 'lotbot-abc123');
  assert.equal(act.task, 'Check Mac Mini CLI version and report if outdated');
  assert.deepEqual(act.depth, { current: 1, max: 5 });
  assert.equal(act.priority, 'normal');
  assert.equal(act.result, null);
});

test('what is no block parses to null', () => {
  for (const text of ['', 'hello', '```\ncode\n```', REQUEST.replace('From: Lotbot\n', '')]) {
    assert.equal(parse(text), null, text);
  }
});

test('a request without an id is refused', () => {
  assert.equal(parse(REQUEST.replace('RequestId: lotbot-abc123\n', '')), null);
});

test('unknown fields are kept', () => {
  assert.deepEqual(parse(REQUEST.replace('Depth:', 'Colour: red\nDepth:')).meta, { colour: 'red' });
});

test('a block that a platform changed is read', () => {
  for (const changed of [
    REQUEST.replace('→', '->'),
    REQUEST.replaceAll('\n', '\r\n'),
    REQUEST.replace('```', '```text'),
    `> ${REQUEST.replaceAll('\n', '\n> ')}`,
  ]) {
    assert.equal(parse(changed)?.to, 'Mantis', changed);
  }
});

test('twenty thousand quoted fences are read at once', () => {
  assert.equal(parse('">```\n'.repeat(20_000)), null);
});
