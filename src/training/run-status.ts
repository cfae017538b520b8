/** `run.json`: which process trains into a folder, since when, and how that ended. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readJsonIfThere, writeJson } from '../hub/json-file';

export interface RunEnd {
  readonly state: 'finished' | 'interrupted' | 'failed';
  /** Why it failed, in a sentence. */
  readonly error?: string;
}

/** What `run.json` holds. */
export interface RunStatus {
  readonly state: 'running' | RunEnd['state'];
  readonly error?: string;
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the system counts; with `pid` it is unlike that of every other process. */
  readonly processStart?: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly maxTrainSteps: number;
  /** The shell's command that began the run, and goes on with it. */
  readonly command?: string;
  /** Where relative names begin. */
  readonly cwd: string;
}

const RUN_FILE = 'run.json';

/**
 * Only one process may train into a folder: the second would clear away what the first is writing. Of another machine
 * nobody can tell whether its process lives, and a run that goes on elsewhere must not have to wait.
 * @throws Error naming the process of this machine that does
 */
export async function refuseBusyFolder(outputDir: string): Promise<void> {
  const status = await readRunStatus(outputDir);
  if (status?.state !== 'running' || status.host !== hostname() || status.pid === process.pid)
    return;
  throw new Error(
    `--output_dir is ${outputDir}, but process ${status.pid} trains into it since ${status.startedAt}; wait for its end, stop it, or give another folder.`,
  );
}

/**
 * Writes down that this process trains into `outputDir`. What is returned writes down the end.
 * @throws Error where another process began there in the meantime
 */
export async function beginRun(
  outputDir: string,
  { maxTrainSteps, command }: Pick<RunStatus, 'maxTrainSteps' | 'command'>,
): Promise<(end: RunEnd) => Promise<void>> {
  await refuseBusyFolder(outputDir);
  const path = join(outputDir, RUN_FILE);
  const processStart = processOf(process.pid)?.start;
  const begun = {
    pid: process.pid,
    host: hostname(),
    ...(processStart === undefined ? {} : { processStart }),
    startedAt: new Date().toISOString(),
    maxTrainSteps,
    ...(command === undefined ? {} : { command }),
    cwd: process.cwd(),
  };
  await writeJson(path, { state: 'running', ...begun } satisfies RunStatus);
  return async (end) => {
    const status: RunStatus = { ...begun, ...end, endedAt: new Date().toISOString() };
    await writeJson(path, status);
  };
}

/**
 * How the run of a folder stands; undefined where no `run.json` is. One whose process is gone was interrupted.
 * @throws CheckpointError where the file is no JSON object
 */
export async function readRunStatus(outputDir: string): Promise<RunStatus | undefined> {
  const path = join(outputDir, RUN_FILE);
  const status = (await readJsonIfThere(path)) as RunStatus | undefined;
  if (status?.state !== 'running' || isAlive(status, outputDir)) return status;
  return { ...status, state: 'interrupted' };
}

/** A process of another machine cannot be seen: it counts as alive while its metrics grow. */
const SILENCE_MS = 10 * 60_000;

function isAlive(status: RunStatus, outputDir: string): boolean {
  if (status.host !== hostname()) {
    const files = ['metrics.jsonl', RUN_FILE].map((name) => join(outputDir, name));
    const times = files.filter((file) => existsSync(file)).map((file) => statSync(file).mtimeMs);
    return Date.now() - Math.max(...times) < SILENCE_MS;
  }
  try {
    process.kill(status.pid, 0); // signal 0 only asks
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // there, and another person's
  }
  const now = processOf(status.pid);
  if (now === undefined || status.processStart === undefined) return true;
  return now.state !== 'Z' && now.start === status.processStart;
}

/** State and start time of a process, where Linux tells them. See proc(5), /proc/pid/stat. */
function processOf(pid: number): { readonly state: string; readonly start: string } | undefined {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  const stat = readFileSync(path, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // a name may hold blanks
  return { state: fields[0] ?? '', start: fields[19] ?? '' };
}
