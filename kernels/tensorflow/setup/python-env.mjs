// Step 2: the Python environment `.venv` with JupyterLab, from hash-pinned requirements.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { childEnv, runChild } from './child.mjs';
import { downloads, root, scratch, venv, venvPython } from './paths.mjs';
import { findPython } from './programs.mjs';
import { describeTransfer, Rate } from './progress.mjs';
import { inputHash, publish, writeStamp } from './stamp.mjs';

const requirements = join(root, 'kernels', 'typescript', 'requirements.txt');
/** wheel.py is written for this pip. */
const pip =
  'pip==26.3 --hash=sha256:f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13\n';
/** JupyterLab asks on first start whether it may fetch news; nobody here wants to be asked. */
const labSettings = { '@jupyterlab/apputils-extension:notification': { fetchNews: 'false' } };

/** pip's own configuration counts; only its cache is in the clone. */
export function pipEnv() {
  return childEnv({
    PIP_CACHE_DIR: join(downloads, 'pip'),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_USER: '0',
  });
}

/** Follows `pip --progress-bar raw`: "Downloading x.whl" and "Progress 123 of 456" lines. */
function pipWatcher(progress) {
  const rate = new Rate();
  let before = 0;
  let current = 0;
  let files = 0;
  return (line) => {
    const step = /^Progress (\d+) of/.exec(line);
    if (step) current = Number(step[1]);
    if (/^\s*(Downloading|Using cached) /.test(line)) {
      before += current;
      current = 0;
      files += 1;
    }
    const bytes = before + current;
    const stage = /^Installing collected/.test(line) ? 'unpacking' : `${files} packages`;
    progress.update(
      `${stage} · ${describeTransfer({ bytes, rate: rate.add(bytes, performance.now()) })}`,
    );
  };
}

/**
 * Makes the programs of an environment independent of where it lies, so that it can be renamed and moved:
 * `#!/clone/.venv/bin/python` becomes a shell line that finds Python beside the program.
 */
export function makeRelocatable(folder, finalFolder) {
  const bin = join(folder, 'bin');
  for (const name of readdirSync(bin)) {
    const path = join(bin, name);
    const { size, mode } = statSync(path);
    if (size > 1e6) continue; // Python itself, where it is a copy
    const text = readFileSync(path, 'utf8');
    if (!text.includes(folder)) continue;
    const shebang = `#!/bin/sh\n'''exec' "$(dirname -- "$(realpath -- "$0")")"/python "$0" "$@"\n' '''\n`;
    const moved = text
      .replace(/^#!.*\/bin\/python[\d.]*\n/, shebang)
      .replaceAll(folder, finalFolder);
    writeFileSync(path, moved, { mode });
  }
}

export const pythonEnvironment = {
  title: 'JupyterLab in .venv',
  bytesNeeded: 0.5e9,
  stamp: join(venv, '.set-up'),
  outputs: [venvPython, join(venv, 'bin', 'jupyter-lab')],
  hash: () => inputHash({ values: [process.platform, process.arch, pip], files: [requirements] }),
  preflight: findPython,

  async run(progress, hash) {
    const fresh = `${venv}.new`;
    const python = join(fresh, 'bin', 'python');
    rmSync(fresh, { recursive: true, force: true });
    await runChild('making the Python environment', findPython(), ['-I', '-m', 'venv', fresh]);
    const install = (...args) =>
      runChild(
        'installing JupyterLab',
        python,
        ['-I', '-m', 'pip', 'install', '--require-hashes', '--only-binary=:all:', ...args],
        {
          env: pipEnv(),
          onLine: pipWatcher(progress),
        },
      );
    const pipFile = join(scratch, 'pip.txt');
    writeFileSync(pipFile, pip);
    await install('-r', pipFile);
    await install('--progress-bar=raw', '-r', requirements);

    const settings = join(fresh, 'share', 'jupyter', 'lab', 'settings');
    mkdirSync(settings, { recursive: true });
    writeFileSync(join(settings, 'overrides.json'), `${JSON.stringify(labSettings, null, 2)}\n`);
    makeRelocatable(fresh, venv);
    writeStamp(join(fresh, '.set-up'), hash);
    publish(fresh, venv);
    return existsSync(venvPython) ? '' : 'incomplete';
  },
};
