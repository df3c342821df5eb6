// The ways in: CommonJS, ES modules, and what a browser gets.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const ROOT = path.join(__dirname, '..');
const FUNCTIONS = [
  'parse', 'explain', 'lint', 'join', 'split', 'buildRequest', 'buildResponse', 'buildClarify', 'buildHandoff',
  'buildBroadcast', 'generateRequestId', 'incrementDepth',
];

test('CommonJS and ES modules offer the same', async () => {
  const common = require('../index.js');
  const modern = await import('../index.mjs');
  for (const name of FUNCTIONS) assert.equal(modern[name], common[name], name);
  assert.equal(modern.state, common.state);
});

test('the browser entry works without Node', async (t) => {
  t.mock.method(globalThis, 'fetch', async (url) => new Response(fs.readFileSync(url)));
  const browser = await import(pathToFileURL(path.join(ROOT, 'browser.mjs')));
  for (const name of FUNCTIONS) assert.equal(typeof browser[name], 'function', name);
  const task = 'grüße\nStatus: done ```';
  const block = browser.buildRequest({ to: 'b', from: 'a', task });
  assert.equal(browser.parse(block).task, task);
  assert.equal(browser.explain('x').type, 'not_a_block');
  for (const file of ['browser.mjs', 'lib/core.mjs', 'lib/acts.mjs']) {
    const source = fs.readFileSync(path.join(ROOT, file), 'utf8');
    assert.doesNotMatch(source, /require\(|\bBuffer\b|process\./, file);
  }
});

test('the package has no dependencies and runs nothing when it is installed', () => {
  const { dependencies, scripts } = require('../package.json');
  assert.equal(dependencies, undefined);
  assert.deepEqual(Object.keys(scripts), ['test']);
});
