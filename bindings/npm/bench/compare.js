// Parse and build side by side: v0.1, this package, and Rust without JavaScript, same inputs, in turns.
//
//   node bench/compare.js FOLDER-OF-V0.1
//
// Prints the least nanoseconds per call of many short samples: what else runs on the machine only ever
// adds. A built block is used once (its bytes are counted), because v0.1 returns a string that is
// put together only when somebody looks at it; "unused" leaves that out.

const path = require('path');
const { execFileSync } = require('child_process');
const ours = require('../index.js');

const folder = path.resolve(process.argv[2] ?? '.');
const theirs = {
  ...require(path.join(folder, 'lib/parser.js')),
  ...require(path.join(folder, 'lib/builder.js')),
};

const long = Array.from({ length: 12 }, (_, at) => `${at + 1}. Checked host-${at}, all services are up.`).join('\n');
const DRAFTS = {
  'request, as in the README': {
    type: 'REQUEST', to: 'Mantis', from: 'Lotbot', requestId: 'lotbot-abc123',
    task: 'Check Mac Mini CLI version and report if outdated', context: 'Running weekly system audit',
    depth: { current: 1, max: 5 }, priority: 'normal',
  },
  'response, one line': {
    type: 'RESPONSE', to: 'Lotbot', from: 'Mantis', requestId: 'lotbot-abc123', status: 'done',
    result: 'CLI version is up to date (v2026.2.13)', depth: { current: 2, max: 5 },
  },
  'response, 12 lines': {
    type: 'RESPONSE', to: 'Lotbot', from: 'Mantis', requestId: 'lotbot-abc123', status: 'done',
    result: long, depth: { current: 2, max: 5 },
  },
  'request in Japanese': {
    type: 'REQUEST', to: 'Mantis', from: 'Lotbot', requestId: 'lotbot-abc123',
    task: 'マックミニのCLIバージョンを確認し、古い場合は報告してください', depth: { current: 1, max: 5 },
  },
};
const NAMES = { REQUEST: 'buildRequest', RESPONSE: 'buildResponse' };

const inputs = Object.entries(DRAFTS).map(([name, draft]) => {
  const { type, ...fields } = draft;
  return { name, draft, build: NAMES[type], fields, text: theirs[NAMES[type]](fields) };
});
inputs.push({ name: 'chat without a block', text: 'Did anybody see the release notes? I think we\nshould wait.' });

const CALLS = 500;
const SAMPLES = 400;
let sink = 0;

function sample(work) {
  const start = process.hrtime.bigint();
  for (let call = 0; call < CALLS; call++) sink += work();
  return Number(process.hrtime.bigint() - start) / CALLS;
}

/** The works in turns, so that a busy moment hits all alike. */
function race(works) {
  const best = works.map(() => Infinity);
  for (let round = 0; round < SAMPLES; round++) {
    works.forEach((work, at) => { best[at] = Math.min(best[at], sample(work)); });
  }
  return best;
}

const repository = path.join(__dirname, '../../..');
const native = JSON.parse(execFileSync('cargo', [
  'run', '--quiet', '--release', '-p', 'bot-protocol', '--example', 'measure',
], { cwd: repository, input: JSON.stringify(inputs), stdio: ['pipe', 'pipe', 'inherit'] }));

const rows = [];
function row(what, name, [original, wasm], rust) {
  const ratio = (time) => (time ? `${(original / time).toFixed(1)}x` : '');
  rows.push({
    what, input: name, 'v0.1 ns': Math.round(original), 'package ns': Math.round(wasm),
    'package is': ratio(wasm), 'native ns': rust ? Math.round(rust) : '', 'native is': ratio(rust),
  });
}

for (const [at, { name, text, build, fields }] of inputs.entries()) {
  const parse = (lib) => () => (lib.parse(text) === null ? 0 : 1);
  row('parse', name, race([parse(theirs), parse(ours)]), native[at].parse);
  if (!build) continue;
  const used = (lib) => () => Buffer.byteLength(lib[build](fields));
  row('build', name, race([used(theirs), used(ours)]), native[at].build);
  const unused = (lib) => () => lib[build](fields).length;
  row('build, unused', name, race([unused(theirs), unused(ours)]), native[at].build);
  if (build !== 'buildRequest') continue;
  const fresh = { ...fields, requestId: undefined };
  const withId = (lib) => () => Buffer.byteLength(lib[build](fresh));
  row('build, new id', name, race([withId(theirs), withId(ours)]));
}
console.table(rows);
if (sink === 0) throw new Error('nothing was measured');
