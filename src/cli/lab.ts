/** `npm run lab`: JupyterLab on `notebooks/` with our kernel; further arguments go to `jupyter lab`. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const state = join(root, '.cache', 'jupyter');

/** Jupyter's own folders inside the clone, and our kernel beside whatever the user has. */
export function labEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...env,
    JUPYTER_PATH: [root, env.JUPYTER_PATH].filter(Boolean).join(delimiter),
    JUPYTER_CONFIG_DIR: join(state, 'config'),
    JUPYTER_DATA_DIR: join(state, 'data'),
    JUPYTER_RUNTIME_DIR: join(state, 'runtime'),
    IPYTHONDIR: join(state, 'ipython'),
  };
}

/** The arguments of `jupyter lab`: the repository is served, the notebooks are what opens. */
export function labArguments(userId: number | undefined, extra: readonly string[]): string[] {
  return [
    `--ServerApp.root_dir=${root}`,
    `--ServerApp.preferred_dir=${join(root, 'notebooks')}`,
    '--MultiKernelManager.default_kernel_name=typescript',
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    // Else the server drops what a cell prints faster than 1 MB/s; our kernel joins prints and waits for slow readers.
    '--ZMQChannelsWebsocketConnection.limit_rate=False',
    ...(userId === 0 ? ['--allow-root'] : []),
    ...extra,
  ];
}

if (require.main === module) {
  for (const folder of ['config', 'data', 'runtime']) {
    mkdirSync(join(state, folder), { recursive: true, mode: 0o700 });
  }
  const args = labArguments(process.getuid?.(), process.argv.slice(2));
  const lab = spawn(join(root, '.venv/bin/jupyter-lab'), args, {
    cwd: root,
    env: labEnvironment(process.env),
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => lab.kill(signal));
  lab.on('error', (error) => {
    process.stderr.write(`JupyterLab did not start: ${error.message}\n`);
    process.exitCode = 1;
  });
  lab.on('exit', (status, signal) => {
    process.exitCode = signal === 'SIGINT' ? 0 : (status ?? 1);
  });
}
