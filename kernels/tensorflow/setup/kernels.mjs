// Step 5: our own native kernels.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, root } from './paths.mjs';
import { findCompiler } from './programs.mjs';
import { inputHash, writeStamp } from './stamp.mjs';

const builder = join(root, 'kernels/tensorflow/build-kernels.mjs');
const output = join(build, 'dpo_kernels.node');

export const nativeKernels = {
  title: 'native kernels',
  bytesNeeded: 0.05e9,
  stamp: join(build, 'dpo_kernels.set-up'),
  outputs: [],
  hash: () => inputHash({ values: [existsSync(builder) ? 'x' : '', output] }),
  preflight: findCompiler,
  async run(_progress, hash) {
    writeStamp(this.stamp, hash);
    return 'not yet';
  },
};
