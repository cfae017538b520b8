/**
 * Starts the kernel: `node launch.cjs <connection file>`. The sockets answer from a thread of their own while this one
 * still loads. Everything after these lines, the kernel and the library it serves, is TypeScript that Node loads
 * through the hook of `register.cjs`.
 *
 * kernel.json sets MALLOC_MMAP_THRESHOLD_: glibc would raise that limit to 32 MB, and training at shapes that change
 * then leaves its heap in pieces that cannot be used again, 24 MB more of them at every step of the embedded world.
 */
'use strict';

const { join, resolve } = require('node:path');
const { MessageChannel, Worker } = require('node:worker_threads');

const [, , connectionFile] = process.argv;
if (connectionFile === undefined) throw new Error('Usage: launch.cjs <connection file>');
const shared = {
  connectionFile: resolve(connectionFile),
  parent: process.ppid, // now: whoever dies while the rest loads would not be known later
  pipe: new SharedArrayBuffer(12 + (1 << 20)), // as in shared-pipe.ts and stop-flag.ts
  stop: new SharedArrayBuffer(4),
};
const { port1: questions, port2: answers } = new MessageChannel();
const sockets = new Worker(join(__dirname, 'sockets.cjs'), {
  workerData: { ...shared, questions },
  transferList: [questions],
});
const language = new Worker(join(__dirname, 'language.cjs'), {
  workerData: { folder: process.cwd(), answers }, // Jupyter starts a kernel in its notebook's folder
  transferList: [answers],
  resourceLimits: { maxYoungGenerationSizeMb: 192 }, // three times what kernel.json gives this thread
});

require('./compile-cache.cjs').keepCompiledCode(join(__dirname, '../../.cache/kernel/v8'));
require('./register.cjs').registerTypeScript();
require('./main.ts').main({ sockets, language }, shared);
