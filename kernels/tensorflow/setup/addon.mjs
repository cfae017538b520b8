// Step 4: tfjs-node-gpu's Node addon, compiled from the npm package against our TensorFlow.
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runChild } from './child.mjs';
import { addonFolder, nodeModules, setupFolder, tensorflow, tfjs } from './paths.mjs';
import { findCompiler } from './programs.mjs';
import { inputHash, writeStamp } from './stamp.mjs';
import { libraries, tensorflowLibraries } from './tensorflow.mjs';

const addon = join(addonFolder, 'tfjs_binding.node');
const binding = join(tfjs, 'binding');
const headers = join(nodeModules, 'node-api-headers', 'include');

/** Flags for a Node addon that finds TensorFlow relative to itself, so that a moved clone still works. */
export function addonFlags(folder) {
  const origin = process.platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const shared =
    process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  return [...shared, '-fPIC', '-std=c++17', `-Wl,-rpath,${origin}/${relative(folder, tensorflow)}`];
}

function sources() {
  return readdirSync(binding)
    .filter((name) => name.endsWith('.cc'))
    .sort()
    .map((name) => join(binding, name));
}

export const tfjsAddon = {
  title: 'tfjs addon',
  bytesNeeded: 0.05e9,
  stamp: join(addonFolder, '.set-up'),
  outputs: [addon],
  hash: () =>
    inputHash({
      values: [
        process.platform,
        process.arch,
        readFileSync(tensorflowLibraries.stamp, 'utf8'),
        ...addonFlags(addonFolder),
      ],
      files: [join(tfjs, 'package.json'), join(nodeModules, 'node-api-headers', 'package.json')],
    }),
  preflight: findCompiler,

  async run(progress, hash) {
    mkdirSync(addonFolder, { recursive: true });
    progress.update('compiling');
    const fresh = `${addon}.new`;
    const include = [`-I${headers}`, `-I${join(tensorflow, 'include')}`];
    await runChild('compiling the tfjs addon', findCompiler(), [
      '-O2',
      '-DNAPI_VERSION=8',
      ...addonFlags(addonFolder),
      ...include,
      ...sources(),
      ...libraries(tensorflow),
      '-o',
      fresh,
    ]);
    renameSync(fresh, addon);
    const devices = await runChild('loading TensorFlow', process.execPath, [
      join(setupFolder, 'probe.cjs'),
    ]);
    writeStamp(this.stamp, hash);
    return JSON.parse(devices.split('\n').findLast((line) => line.startsWith('{'))).devices.join(
      ', ',
    );
  },
};
