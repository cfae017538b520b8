// Step 3: TensorFlow's two shared libraries and C headers, out of its PyPI wheel.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runChild } from './child.mjs';
import { build, downloads, scratch, setupFolder, tensorflow, venvPython } from './paths.mjs';
import { chooseTarget, untested } from './platform.mjs';
import { describeTransfer, Rate } from './progress.mjs';
import { pipEnv } from './python-env.mjs';
import { inputHash, publish, writeStamp } from './stamp.mjs';

const pins = JSON.parse(readFileSync(join(setupFolder, 'wheels.json'), 'utf8'));
const program = join(setupFolder, 'wheel.py');
const stampName = '.set-up';
/** What is taken out of the wheels: the libraries, the headers of the C interface, and CUDA's own libraries. */
const parts = [
  'tensorflow/libtensorflow_',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring',
  'tensorflow/include/tsl/platform/ctstring',
  'tensorflow/include/xla/tsl/c/',
  'nvidia/',
];

/** The two libraries in a folder, whatever this system calls them. */
export function libraries(folder) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => /^libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$/.test(name))
    .map((name) => join(folder, name));
}

/** Runs wheel.py and shows the bytes that it reports. */
async function runWheel(progress, doing, detail, args) {
  const rate = new Rate();
  const onLine = (line) => {
    if (!line.startsWith('{')) return;
    const { bytes, total } = JSON.parse(line);
    progress.update(
      `${detail} · ${describeTransfer({ bytes, total, rate: rate.add(bytes, performance.now()) })}`,
    );
  };
  await runChild(doing, venvPython, ['-I', '-u', program, ...args], { env: pipEnv(), onLine });
}

async function fetchWheel(progress, wheel) {
  const folder = join(downloads, 'wheels');
  const path = join(folder, wheel.file);
  mkdirSync(folder, { recursive: true });
  const detail = `downloading ${wheel.name} ${wheel.version}`;
  if (!existsSync(path)) {
    const { name, version, sha256, platform } = wheel;
    await runWheel(progress, detail, detail, ['fetch', name, version, sha256, platform, path]);
  }
  return path;
}

export const tensorflowLibraries = {
  title: 'TensorFlow 2.21.0',
  stamp: join(tensorflow, stampName),
  outputs: [join(tensorflow, 'include', 'tensorflow', 'c', 'c_api.h')],
  get bytesNeeded() {
    return pins[chooseTarget()].length > 1 ? 9e9 : 1.2e9;
  },
  hash: () => inputHash({ values: [JSON.stringify(pins[chooseTarget()]), ...parts] }),
  preflight: chooseTarget,

  async run(progress, hash) {
    const target = chooseTarget();
    const stage = join(build, 'wheel.new');
    rmSync(stage, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    const wheels = [];
    for (const wheel of pins[target]) wheels.push(await fetchWheel(progress, wheel));
    for (const wheel of wheels) {
      await runWheel(progress, 'unpacking TensorFlow', `unpacking ${basename(wheel)}`, [
        'unpack',
        wheel,
        stage,
        ...parts,
      ]);
    }
    const fresh = join(stage, 'tensorflow');
    // The CUDA libraries go beside TensorFlow, where its run path (../nvidia/*/lib) looks for them.
    if (existsSync(join(stage, 'nvidia'))) publish(join(stage, 'nvidia'), join(build, 'nvidia'));
    writeStamp(join(fresh, stampName), hash);
    publish(fresh, tensorflow);
    rmSync(stage, { recursive: true, force: true });
    if (!process.env.DPO_CACHE) for (const wheel of wheels) rmSync(wheel, { force: true });
    return untested[target] ?? 'CPU';
  },
};
