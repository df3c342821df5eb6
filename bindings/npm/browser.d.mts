export * from './lib/parser.js';
export * from './lib/builder.js';
