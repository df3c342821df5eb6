export * from './lib/parser.js';
export * from './lib/builder.js';
export * as state from './lib/state.js';
