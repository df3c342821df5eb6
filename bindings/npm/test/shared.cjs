// Where the vectors are, and what they leave out.

const fs = require('fs');
const path = require('path');

const FOLDER = path.join(__dirname, '../../../crates/bot-protocol/vectors');

const vectors = (name) => JSON.parse(fs.readFileSync(path.join(FOLDER, `${name}.json`), 'utf8'));

/** A vector names only the fields that there are. */
const complete = (act) => ({
  type: null, to: null, from: null, requestId: null, task: null, result: null, context: null,
  depth: null, callback: null, priority: null, status: null, question: null, message: null,
  meta: {},
  ...act,
});

/** Numbers from a seed (mulberry32), so that a failure can be seen again. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

module.exports = { vectors, complete, numbers };
