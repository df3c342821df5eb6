// Side by side with v0.1, when ORIGINAL names a folder with it: its tests over our code, the claims
// of our vectors about it, its state files.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const { complete, vectors } = require('./shared.cjs');

const ORIGINAL = process.env.ORIGINAL;
const CORPUS = process.env.CORPUS;
const skip = !ORIGINAL && 'ORIGINAL names no folder';
const OURS = path.join(__dirname, '..');
const theirs = (file) => require(path.resolve(ORIGINAL, file));

/** A home with a workspace of its own. */
function home(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bot-protocol-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

/** Runs a script that may `await`, with `state` from this lib, and returns what it returns. */
function withState(lib, folder, script) {
  const code = `(async (state) => { ${script} })(require(${JSON.stringify(path.resolve(lib, 'lib/state.js'))}))
    .then((result) => process.stdout.write(JSON.stringify(result ?? null)))`;
  const env = { ...process.env, HOME: folder };
  delete env.BOT_PROTOCOL_STATE;
  return JSON.parse(execFileSync(process.execPath, ['-e', code], { env }));
}

test("the original's tests pass with our lib in place of its own", { skip }, (t) => {
  const folder = home(t);
  fs.cpSync(path.join(ORIGINAL, 'tests'), path.join(folder, 'tests'), { recursive: true });
  fs.cpSync(path.join(OURS, 'lib'), path.join(folder, 'lib'), { recursive: true });
  const said = execFileSync(process.execPath, ['tests/run-tests.js'], { cwd: folder, encoding: 'utf8' });
  assert.match(said, /All tests passed/);
});

test('what the vectors say about v0.1 is so', { skip }, () => {
  const { parse } = theirs('lib/parser.js');
  for (const name of ['parse', 'differences', 'platforms']) {
    for (const { name: what, text, act, v01 = act } of vectors(name)) {
      assert.deepEqual(parse(text), v01 && { ...complete(v01), raw: text }, what);
    }
  }
  for (const { name, written, v01 } of vectors('values')) {
    const space = written.startsWith('\n') ? '' : ' ';
    const text = `\`\`\`\n[REQUEST → @b]\nFrom: a\nRequestId: a-1\nTask:${space}${written}\nDepth: 1/5\n\`\`\``;
    assert.equal(parse(text).task, v01, name);
  }
});

test('blocks are those of v0.1, and so are the errors, but for what the vectors name', { skip }, () => {
  const builder = theirs('lib/builder.js');
  for (const { name, draft: { type, ...fields }, text, error, v01 } of vectors('build')) {
    const build = builder[`build${type[0]}${type.slice(1).toLowerCase()}`];
    if (v01) assert.doesNotThrow(() => build(fields), name);
    else if (error) assert.throws(() => build(fields), { message: error }, name);
    else assert.equal(build(fields), text, name);
  }
});

test('the model of v0.1 in Rust sees what v0.1 sees', {
  skip: skip || (!CORPUS && 'CORPUS names no file'),
}, () => {
  const { parse } = theirs('lib/parser.js');
  const lines = fs.readFileSync(CORPUS, 'utf8').trim().split('\n');
  let blocks = 0;
  for (const line of lines) {
    const { text, seen } = JSON.parse(line);
    const found = parse(text);
    if (found === null) {
      assert.equal(seen, null, text);
      continue;
    }
    blocks += 1;
    const { type, to, raw, meta, depth, ...known } = found;
    const fields = { ...meta };
    for (const [name, value] of Object.entries(known)) {
      if (value !== null) fields[name.toLowerCase()] = value;
    }
    if (depth) {
      // The model keeps the digits as they were written.
      const [current, max] = seen.fields.depth.split('/').map(Number);
      assert.deepEqual(depth, { current, max });
      fields.depth = seen.fields.depth;
    }
    assert.deepEqual({ type, to, fields }, seen, text);
  }
  assert.ok(blocks > 1000, `only ${blocks} of ${lines.length} texts are blocks`);
});

test('a state file of v0.1 opens in ours, and ours in v0.1', { skip }, (t) => {
  const folder = home(t);
  const message = (id, type, from, to) => JSON.stringify({
    type, from, to, requestId: id, task: 'wave', result: null, question: null, message: null,
    status: null, depth: { current: 1, max: 5 },
  });
  withState(ORIGINAL, folder, `await state.track(${message('a-1', 'REQUEST', 'ann', 'ben')});
    await state.track(${message('a-2', 'REQUEST', 'ann', 'cat')}); await state.timeout('a-2')`);
  const before = withState(ORIGINAL, folder, 'return state.list()');
  assert.deepEqual(withState(OURS, folder, 'return state.list()'), before);
  withState(OURS, folder, `await state.track(${message('a-3', 'REQUEST', 'ann', 'dan')});
    await state.track(${message('a-1', 'RESPONSE', 'ben', 'ann')})`);
  const after = withState(OURS, folder, 'return state.list()');
  assert.deepEqual(withState(ORIGINAL, folder, 'return state.list()'), after);
  assert.deepEqual(after.map((one) => [one.requestId, one.status]), [
    ['a-1', 'done'], ['a-2', 'timeout'], ['a-3', 'open'],
  ]);
  withState(ORIGINAL, folder, `await state.track(${message('a-3', 'RESPONSE', 'dan', 'ann')})`);
  assert.equal(withState(OURS, folder, "return state.get('a-3')").status, 'done');
});

test('the example of the README runs as it stands', { skip }, (t) => {
  const folder = home(t);
  const readme = fs.readFileSync(path.join(ORIGINAL, 'README.md'), 'utf8');
  const example = /```javascript\n(const \{ parse \}[\s\S]*?)```/.exec(readme)[1];
  fs.cpSync(path.join(OURS, 'lib'), path.join(folder, 'lib'), { recursive: true });
  const block = '```\n[REQUEST → @MyBotName]\nFrom: Ann\nRequestId: ann-1\nTask: wave\n```';
  const script = `(async (messageText) => { ${example}
    console.log(request); console.log((await state.list()).length) })(${JSON.stringify(block)})`;
  fs.writeFileSync(path.join(folder, 'example.js'), script);
  const env = { ...process.env, HOME: folder };
  delete env.BOT_PROTOCOL_STATE;
  const said = execFileSync(process.execPath, ['example.js'], { cwd: folder, env, encoding: 'utf8' });
  assert.match(said, /^```\n\[REQUEST → @OtherBot\]\nFrom: MyBot\nRequestId: mybot-[0-9a-z]{6}\nTask: Check system status\nDepth: 1\/5\n```\n1\n$/);
});
