// Runs the tests that come with the package, in this one process: `npm test`.

require('./test-parser.js');
require('./test-builder.js');
