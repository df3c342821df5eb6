// Everything at once: `const { parse, buildRequest, state } = require('bot-protocol')`.

module.exports = {
  ...require('./lib/parser.js'),
  ...require('./lib/builder.js'),
  state: require('./lib/state.js'),
};
