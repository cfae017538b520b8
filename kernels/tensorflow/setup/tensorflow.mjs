// Step 3: TensorFlow's two shared libraries and C headers, out of its PyPI wheel.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, setupFolder, tensorflow, venvPython } from './paths.mjs';
import { chooseTarget, untested } from './platform.mjs';
import { inputHash, publish, writeStamp } from './stamp.mjs';
import { fetchWheels, unpackWheels } from './wheels.mjs';

const stampName = '.set-up';
/** What is taken out of the wheels: the libraries, the headers of the C interface and of its log, and CUDA's own libraries. */
const parts = [
  'tensorflow/libtensorflow_',
  'tensorflow/include/absl/',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/',
  'tensorflow/include/tsl/platform/',
  'tensorflow/include/xla/tsl/c/',
  'nvidia/',
];

/** The pinned wheels of this machine's target: a requirements file whose first line holds pip's options. */
function pins() {
  const path = join(setupFolder, 'pins', `${chooseTarget()}.txt`);
  const options = readFileSync(path, 'utf8').split('\n', 1)[0].match(/--\S+/g);
  return { path, options };
}

/** The two libraries in a folder, whatever this system calls them. */
export function libraries(folder) {
  return readdirSync(folder)
    .filter((name) => /^libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$/.test(name))
    .map((name) => join(folder, name));
}

export const tensorflowLibraries = {
  title: 'TensorFlow 2.21.0',
  stamp: join(tensorflow, stampName),
  outputs: [join(tensorflow, 'include', 'tensorflow', 'c', 'c_api.h')],
  get bytesNeeded() {
    return chooseTarget().endsWith('cuda') ? 9e9 : 1.2e9;
  },
  hash: () => inputHash({ values: parts, files: [pins().path] }),
  preflight: chooseTarget,

  async run(progress, hash) {
    const { path: requirements, options } = pins();
    const wheels = await fetchWheels(progress, {
      doing: 'downloading TensorFlow',
      python: venvPython,
      requirements,
      options,
    });
    const stage = join(build, 'wheel.new');
    rmSync(stage, { recursive: true, force: true });
    await unpackWheels(progress, { python: venvPython, wheels, folder: stage, prefixes: parts });
    const fresh = join(stage, 'tensorflow');
    // CUDA's libraries go beside TensorFlow, where its run path (../nvidia/*/lib) looks for them.
    if (existsSync(join(stage, 'nvidia'))) publish(join(stage, 'nvidia'), join(build, 'nvidia'));
    writeStamp(join(fresh, stampName), hash);
    publish(fresh, tensorflow);
    rmSync(stage, { recursive: true, force: true });
    return untested[chooseTarget()] ?? 'CPU';
  },
};
