// The same for `import`.

import parser from './lib/parser.js';
import builder from './lib/builder.js';

export { default as state } from './lib/state.js';
export const { parse, explain, lint, join } = parser;
export const {
  buildRequest,
  buildResponse,
  buildClarify,
  buildHandoff,
  buildBroadcast,
  generateRequestId,
  incrementDepth,
  split,
} = builder;
