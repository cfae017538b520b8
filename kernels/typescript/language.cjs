/**
 * The entry of the thread that knows TypeScript: it checks and converts cells, completes and explains. The main thread
 * runs JavaScript only, and questions are answered while a cell keeps it busy.
 */
'use strict';

const { join } = require('node:path');
const { parentPort, workerData } = require('node:worker_threads');

const cache = join(__dirname, '../../.cache/kernel/v8');
const keepCompiled = require('./compile-cache.cjs').keepCompiledCode(cache);
require('./register.cjs').registerTypeScript();
require('./language.ts').serve(parentPort, workerData, keepCompiled);
