/** JupyterLab as `npm run lab` starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface LabServer {
  /** With its token. */
  readonly address: URL;
  /** As Ctrl-C does; returns the exit status. */
  stop(): Promise<number | null>;
}

const START_LIMIT_MS = 300_000;
const STOP_LIMIT_MS = 30_000;

/**
 * Starts the program of a copy of the project, at a port that is free.
 * @throws Error with what it printed when it does not come up
 */
export async function startLab(folder: string, env: NodeJS.ProcessEnv = {}): Promise<LabServer> {
  const program = ['--import', 'tsx', join(folder, 'src/cli/lab.ts')];
  const lab = spawn(process.execPath, [...program, '--no-browser', '--ServerApp.port=0'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(lab, 'exit') as Promise<[number | null]>;
  const stop = async () => {
    lab.kill('SIGINT');
    const limit = setTimeout(() => lab.kill('SIGKILL'), STOP_LIMIT_MS);
    const [status] = await exited;
    clearTimeout(limit);
    return status;
  };
  try {
    return { address: await printedAddress(lab), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function printedAddress(lab: ChildProcess): Promise<URL> {
  return new Promise((found, failed) => {
    let printed = '';
    const fail = () => failed(new Error(`JupyterLab did not come up:\n${printed}`));
    const limit = setTimeout(fail, START_LIMIT_MS);
    lab.once('exit', fail);
    const hear = (part: Buffer) => {
      printed += part.toString();
      const [address] = /http:\/\/127\.0\.0\.1:\d+\/lab\S*token=\w+/.exec(printed) ?? [];
      if (address === undefined) return;
      clearTimeout(limit);
      lab.off('exit', fail);
      found(new URL(address));
    };
    lab.stdout?.on('data', hear);
    lab.stderr?.on('data', hear);
  });
}
