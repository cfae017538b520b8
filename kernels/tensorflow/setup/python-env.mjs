// Step 2: the Python environment `.venv` with JupyterLab, from hash-pinned requirements.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './child.mjs';
import { downloads, root, scratch, venv, venvPython } from './paths.mjs';
import { findPython } from './programs.mjs';
import { inputHash, publish, writeStamp } from './stamp.mjs';
import { fetchWheels, pipEnv } from './wheels.mjs';

const requirements = join(root, 'kernels', 'typescript', 'requirements.txt');
/** fetch.py is written for this pip. */
const pip =
  'pip==26.3 --hash=sha256:f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13\n';
/** JupyterLab asks on first start whether it may fetch news; nobody here wants to be asked. */
const labSettings = { '@jupyterlab/apputils-extension:notification': { fetchNews: 'false' } };

function pipInstall(doing, python, ...args) {
  const pinned = ['install', '--require-hashes', '--only-binary=:all:', ...args];
  return runChild(doing, python, ['-I', '-m', 'pip', ...pinned], { env: pipEnv() });
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
    progress.update('making the environment');
    await runChild('making the Python environment', findPython(), ['-I', '-m', 'venv', fresh]);
    const pipFile = join(scratch, 'pip.txt');
    writeFileSync(pipFile, pip);
    progress.update('downloading pip');
    await pipInstall('downloading pip', python, '-r', pipFile);
    const wheels = await fetchWheels(progress, {
      doing: 'downloading JupyterLab',
      python,
      requirements,
    });
    progress.update(`installing ${wheels.length} packages`);
    const offline = ['--no-compile', '--no-index', `--find-links=${join(downloads, 'wheels')}`];
    await pipInstall('installing JupyterLab', python, ...offline, '-r', requirements);

    const settings = join(fresh, 'share', 'jupyter', 'lab', 'settings');
    mkdirSync(settings, { recursive: true });
    writeFileSync(join(settings, 'overrides.json'), `${JSON.stringify(labSettings, null, 2)}\n`);
    makeRelocatable(fresh, venv);
    writeStamp(join(fresh, '.set-up'), hash);
    publish(fresh, venv);
    return `${wheels.length} packages`;
  },
};
