// Step 5: our own fused kernels, compiled by build-kernels.mjs.
import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernels, kernelSources } from '../build-kernels.mjs';
import { explain } from './errors.mjs';
import { build, logFile, root } from './paths.mjs';
import { findCompiler } from './programs.mjs';
import { inputHash, writeStamp } from './stamp.mjs';
import { tensorflowLibraries } from './tensorflow.mjs';

/** Object files that an interrupted build left behind. */
function removeLeftovers() {
  for (const name of readdirSync(build)) {
    if (name.startsWith('kernels-')) rmSync(join(build, name), { recursive: true, force: true });
  }
}

export const nativeKernels = {
  title: 'native kernels',
  bytesNeeded: 0.05e9,
  stamp: join(build, 'dpo_kernels.set-up'),
  outputs: [join(build, 'dpo_kernels.node'), join(build, 'log_level.node')],
  hash: () =>
    inputHash({
      values: [process.platform, process.arch, readFileSync(tensorflowLibraries.stamp, 'utf8')],
      files: kernelSources(root),
    }),
  preflight: findCompiler,

  async run(progress, hash) {
    removeLeftovers();
    process.env.CXX = findCompiler();
    const onLine = (line) => {
      appendFileSync(logFile, `${line}\n`);
      const step = /(\d+)\/(\d+): (\S+)/.exec(line);
      if (step) progress.update(`compiling ${step[1]} of ${step[2]}, ${step[3]}`);
    };
    try {
      await buildKernels({ root, onLine });
    } catch (error) {
      appendFileSync(logFile, `${error.message}\n`);
      throw explain('compiling the native kernels', error.message);
    }
    writeStamp(this.stamp, hash);
    return '';
  },
};
