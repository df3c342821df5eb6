// The state file: in one process, between processes, between languages, and when one is killed.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFile, spawn } = require('child_process');
const { once } = require('events');
const { promisify } = require('util');
const { vectors } = require('./shared.cjs');

const run = promisify(execFile);
const LIB = path.join(__dirname, '../lib/state.js');
/** The program with the `proto` verbs; without it the tests with Rust are skipped. */
const PROTO = process.env.PROTO;

/** A state module of its own, on a file of its own. */
function fresh(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bot-protocol-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'state.json');
  return { folder, file, state: load(file) };
}

function load(file) {
  process.env.BOT_PROTOCOL_STATE = file;
  delete require.cache[require.resolve(LIB)];
  return require(LIB);
}

const request = (requestId, more) => ({
  type: 'REQUEST', requestId, from: 'ann', to: 'ben', task: 'wave', status: null,
  depth: { current: 1, max: 5 }, ...more,
});

/** A Node process that tracks ids `<name>-0`, `<name>-1`, … and says each when it is done. */
function tracker(file, name, count) {
  const script = `
    const state = require(${JSON.stringify(LIB)});
    (async () => {
      for (let at = 0; at < ${count}; at++) {
        const requestId = '${name}-' + at;
        await state.track({ type: 'REQUEST', requestId, from: 'a', to: 'b', task: 'x'.repeat(500) });
        process.stdout.write(requestId + '\\n');
      }
    })();`;
  return spawn(process.execPath, ['-e', script], {
    env: { ...process.env, BOT_PROTOCOL_STATE: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('conversations move as vectors/conversations.json says', async (t) => {
  const { state, file } = fresh(t);
  t.mock.timers.enable({ apis: ['Date'] });
  t.mock.method(process, 'emitWarning', () => {});
  const warnings = process.emitWarning.mock;
  for (const [at, vector] of vectors('conversations').entries()) {
    const requestId = `ann-${at}`;
    for (const { minute, warns, ...message } of vector.steps) {
      t.mock.timers.setTime(minute * 60_000);
      const before = warnings.callCount();
      await state.track({ ...message, requestId });
      assert.equal(warnings.callCount() - before, warns ? 1 : 0, vector.name);
    }
    if (vector.check) {
      t.mock.timers.setTime(vector.check * 60_000);
      await state.checkTimeouts();
    }
    const found = await state.get(requestId);
    assert.equal(found.status, vector.status, vector.name);
    assert.equal(found.lastType, vector.lastType, vector.name);
    assert.equal(found.history.length, vector.history, vector.name);
    fs.rmSync(file);
  }
});

test('conversations are listed, ended and forgotten', async (t) => {
  const { state } = fresh(t);
  assert.deepEqual(await state.list(), []);
  assert.equal(await state.get('a-1'), null);
  await Promise.all([state.track(request('a-1')), state.track(request('a-2', { to: 'cat' }))]);
  assert.deepEqual((await state.list({ to: 'cat' })).map((one) => one.requestId), ['a-2']);
  assert.equal((await state.timeout('a-1', 'enough')).history.at(-1).reason, 'enough');
  assert.equal(await state.timeout('other-1'), null);
  assert.deepEqual((await state.list({ status: 'timeout' })).length, 1);
  assert.equal(await state.cleanup(), 0);
  assert.equal(await state.cleanup(Infinity), 0);
  assert.deepEqual(await state.checkTimeouts(), []);
  await assert.rejects(state.track({ type: 'REQUEST' }), /requires field: requestId/);
});

test('names that JavaScript knows are ids like others', async (t) => {
  const { state } = fresh(t);
  for (const id of ['__proto__', 'constructor', 'toString']) {
    assert.equal((await state.track(request(id))).status, 'open');
    assert.equal((await state.get(id)).from, 'ann');
  }
  assert.equal((await state.list()).length, 3);
});

test('an illegible file is set aside and named', async (t) => {
  const { state, file, folder } = fresh(t);
  t.mock.method(process, 'emitWarning', () => {});
  for (const [at, torn] of ['', '{"a-1":{"type":"REQ', '[]', 'null'].entries()) {
    fs.writeFileSync(file, torn);
    assert.deepEqual(await state.list(), []);
    const [warning] = process.emitWarning.mock.calls[at].arguments;
    const aside = /kept as `([^`]+)`/.exec(warning)[1];
    assert.equal(fs.readFileSync(aside, 'utf8'), torn);
  }
  assert.equal(fs.readdirSync(folder).length, 4);
});

test('processes that track at once lose nothing', async (t) => {
  const { state, file, folder } = fresh(t);
  const trackers = ['x', 'y', 'z'].map((name) => tracker(file, name, 30));
  const codes = await Promise.all(trackers.map((child) => once(child, 'exit')));
  assert.deepEqual(codes.map(([code]) => code), [0, 0, 0]);
  assert.equal((await state.list()).length, 90);
  assert.deepEqual(fs.readdirSync(folder), ['state.json']);
});

test('a process that is killed loses nothing that it had said', async (t) => {
  const { state, file } = fresh(t);
  const said = new Set();
  for (let round = 0; round < 12; round++) {
    const child = tracker(file, `r${round}`, 1000);
    let lines = '';
    child.stdout.on('data', (data) => {
      lines += data;
      // Killed at another moment of the next write each time.
      if (lines.split('\n').length > 2 + round) setTimeout(() => child.kill('SIGKILL'), round / 4);
    });
    await once(child, 'close');
    lines.split('\n').slice(0, -1).forEach((id) => said.add(id));
  }
  const found = new Set((await state.list()).map((one) => one.requestId));
  assert.deepEqual([...said].filter((id) => !found.has(id)), []);
  assert.ok(said.size > 50);
  await state.track(request('after-1'));
});

test('Rust and JavaScript take turns at one file', { skip: !PROTO && 'PROTO names no program' }, async (t) => {
  const { state, file, folder } = fresh(t);
  const child = tracker(file, 'js', 40);
  const rust = (async () => {
    for (let at = 0; at < 40; at++) {
      const block = `\`\`\`\n[REQUEST → @b]\nFrom: a\nRequestId: rs-${at}\nTask: t\n\`\`\``;
      const input = path.join(folder, 'block');
      fs.writeFileSync(input, block);
      await run(PROTO, ['proto', 'track', input, '--state', file]);
    }
  })();
  await Promise.all([once(child, 'exit'), rust]);
  assert.equal((await state.list()).length, 80);
  const { stdout } = await run(PROTO, ['proto', 'list', '--json', '--state', file]);
  assert.deepEqual(JSON.parse(stdout).conversations, await state.list());
});

test('who died while breaking a lock is in nobody\'s way', async (t) => {
  const { state, file, folder } = fresh(t);
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const boot = fs.existsSync('/proc/self/ns/pid')
    ? `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fs.readlinkSync('/proc/self/ns/pid')}`
    : '-';
  for (const [name, nonce] of [['lock', 'abc'], ['lock.abc', 'def'], ['lock.abc.def', 'ghi']]) {
    fs.writeFileSync(`${file}.${name}`, `${child.pid} ${boot} ${nonce}\n`);
  }
  await state.track(request('a-1'));
  assert.deepEqual(fs.readdirSync(folder), ['state.json']);
});

test('a Rust process that is killed leaves a whole file and a lock that others break', {
  skip: !PROTO && 'PROTO names no program',
}, async (t) => {
  const { state, file, folder } = fresh(t);
  await state.track(request('a-1'));
  const input = path.join(folder, 'block');
  let said = 0;
  for (let round = 0; round < 40; round++) {
    const block = `[REQUEST → @b]\nFrom: a\nRequestId: rs-${round}\nTask: ${'x'.repeat(20_000)}`;
    fs.writeFileSync(input, `\`\`\`\n${block}\n\`\`\``);
    const child = spawn(PROTO, ['proto', 'track', input, '--state', file], { stdio: 'ignore' });
    setTimeout(() => child.kill('SIGKILL'), round / 4);
    const [code] = await once(child, 'exit');
    said += code === 0 ? 1 : 0;
    const found = await state.list();
    assert.ok(found.length > said && found.some((one) => one.requestId === 'a-1'));
  }
  await state.track(request('a-2'));
  assert.ok(!fs.existsSync(`${file}.lock`));
});

test('Rust breaks the lock of a JavaScript process that was killed, and the other way round', {
  skip: !PROTO && 'PROTO names no program',
}, async (t) => {
  const { state, file } = fresh(t);
  const script = `require(${JSON.stringify(path.join(__dirname, '../lib/lock.js'))})
    .acquire(${JSON.stringify(file)}).then(() => process.kill(process.pid, 'SIGKILL'))`;
  for (const taker of [
    () => run(PROTO, ['proto', 'timeouts', '--state', file]),
    () => state.track(request('a-1')),
  ]) {
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    assert.ok(fs.existsSync(`${file}.lock`));
    await taker();
    assert.ok(!fs.existsSync(`${file}.lock`));
  }
});
