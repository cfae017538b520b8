/** The entry of the sockets' thread: what is TypeScript is loaded as in the main thread. */
'use strict';

const { parentPort, workerData } = require('node:worker_threads');

require('./register.cjs').registerTypeScript();
require('./sockets.ts').serve(parentPort, workerData);
