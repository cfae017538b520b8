/**
 * Starts the kernel: `node launch.cjs <connection file>`. Everything after these lines, the kernel
 * and the library it serves, is TypeScript that Node loads through the hook of `register.cjs`.
 */
'use strict';

const { join } = require('node:path');

const parent = process.ppid; // now: whoever dies while the rest loads would not be known later

require('./compile-cache.cjs').keepCompiledCode(join(__dirname, '../../.cache/kernel/v8'));
require('./register.cjs').registerTypeScript();
require('./main.ts').main(process.argv[2], parent);
