// Writes bot-protocol blocks, with the functions and error texts of v0.1.

const { webcrypto } = require('crypto');
const core = require('./wasm.js');
const { createBuilder } = require('./acts.js');

module.exports = createBuilder(core, (numbers) => webcrypto.getRandomValues(numbers));
