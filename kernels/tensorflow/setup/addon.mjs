// Step 4: tfjs-node-gpu's Node addon, compiled from the npm package's sources, with our edits, against our TensorFlow.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { edits } from '../addon/edits.mjs';
import { runChild } from './child.mjs';
import { copyEdited } from './edit-sources.mjs';
import { addonFolder, nodeModules, scratch, setupFolder, tensorflow, tfjs } from './paths.mjs';
import { findCompiler } from './programs.mjs';
import { inputHash, writeStamp } from './stamp.mjs';
import { libraries, tensorflowLibraries } from './tensorflow.mjs';

const addon = join(addonFolder, 'tfjs_binding.node');
const binding = join(tfjs, 'binding');
/** What the edits add. */
const additions = join(setupFolder, '..', 'addon');
const headers = join(nodeModules, 'node-api-headers', 'include');

/** Flags for a Node addon that finds TensorFlow relative to itself, so that a moved clone still works. */
export function addonFlags(folder) {
  const origin = process.platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const shared =
    process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  return [...shared, '-fPIC', '-std=c++17', `-Wl,-rpath,${origin}/${relative(folder, tensorflow)}`];
}

/** Paths of all files in a folder, sorted. */
const filesIn = (folder) =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));

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
      files: [
        join(tfjs, 'package.json'),
        join(nodeModules, 'node-api-headers', 'package.json'),
        ...filesIn(binding),
        ...filesIn(additions),
      ],
    }),
  preflight: findCompiler,

  async run(progress, hash) {
    mkdirSync(addonFolder, { recursive: true });
    const sources = join(scratch, 'tfjs-addon');
    rmSync(sources, { recursive: true, force: true });
    copyEdited(binding, sources, edits);
    progress.update('compiling');
    const fresh = `${addon}.new`;
    const include = [headers, join(tensorflow, 'include'), additions, sources].map(
      (path) => `-I${path}`,
    );
    await runChild('compiling the tfjs addon', findCompiler(), [
      '-O2',
      '-DNAPI_VERSION=8',
      ...addonFlags(addonFolder),
      ...include,
      ...filesIn(sources).filter((path) => path.endsWith('.cc')),
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
