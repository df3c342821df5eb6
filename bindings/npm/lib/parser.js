// Reads bot-protocol blocks, with the functions of v0.1 and more about what is wrong.

const core = require('./wasm.js');

/** The act in the first block of a text, or null. */
function parse(rawText) {
  return core.parse(rawText);
}

/** Why `parse` returns null: `{type, line, column, message, hint}`, or null if it does not. */
function explain(rawText) {
  return core.call('explain', String(rawText));
}

/** Everything that is wrong or odd about a block, in the order of its lines. */
function lint(rawText) {
  return core.call('lint', String(rawText));
}

/** The act whose parts these texts are, in any order; throws while one is missing. */
function join(texts) {
  return core.call('join', texts.map(String));
}

module.exports = { parse, explain, lint, join };
