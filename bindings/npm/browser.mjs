// Parser and builder for browsers, Deno and bundlers. There is no state file there.
//
// lib/core.mjs and lib/acts.mjs are made from their CommonJS twins by the build script.

import { createCore } from './lib/core.mjs';
import { createBuilder } from './lib/acts.mjs';

const response = await fetch(new URL('./lib/bot_protocol.wasm', import.meta.url));
const { instance } = await WebAssembly.instantiate(await response.arrayBuffer(), {});

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();
const fromUtf16 = new TextDecoder('utf-16le');

const core = createCore(instance.exports, (memory) => {
  const bytes = new Uint8Array(memory);
  return {
    write: (text, at, room) => utf8.encodeInto(text, bytes.subarray(at, at + room)).written,
    read: (from, to) => fromUtf8.decode(bytes.subarray(from, to)),
    read16: (from, to) => fromUtf16.decode(bytes.subarray(from, to)),
  };
});

export const parse = (rawText) => core.parse(rawText);
export const explain = (rawText) => core.call('explain', String(rawText));
export const lint = (rawText) => core.call('lint', String(rawText));
export const join = (texts) => core.call('join', texts.map(String));
export const {
  buildRequest,
  buildResponse,
  buildClarify,
  buildHandoff,
  buildBroadcast,
  generateRequestId,
  incrementDepth,
  split,
} = createBuilder(core, (bytes) => crypto.getRandomValues(bytes));
