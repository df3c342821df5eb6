// Loads the module in Node.
//
// Owns the way from the file to the core. The module is small and loads in a few milliseconds, so
// it is loaded at once: `require` stays synchronous, as it was.

const fs = require('fs');
const path = require('path');
const { createCore } = require('./core.js');

const module_ = new WebAssembly.Module(fs.readFileSync(path.join(__dirname, 'bot_protocol.wasm')));
const wasm = new WebAssembly.Instance(module_, {}).exports;

module.exports = createCore(wasm, (memory) => {
  const bytes = Buffer.from(memory);
  return {
    write: (text, at, room) => bytes.utf8Write(text, at, room),
    read: (from, to) => bytes.utf8Slice(from, to),
    read16: (from, to) => bytes.ucs2Slice(from, to),
  };
});
