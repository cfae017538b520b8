/** The runs that are on disk: how each stands, as its folder tells it. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { type JsonObject, readJsonIfThere } from '../hub/json-file';
import { readMetrics } from './metrics';
import { finishedStep } from './run-book';
import { RUNS_FOLDER } from './run-folder';
import { type RunStatus, readRunStatus } from './run-status';
import { shellWord } from './shell-word';

export interface RunInfo {
  /** Its folder's name below the folder of runs. */
  readonly id: string;
  readonly path: string;
  /** `unknown`: the folder has figures, and does not say whether more will come. */
  readonly state: RunStatus['state'] | 'unknown';
  /** Optimizer steps taken, as far as they are written down. */
  readonly step: number;
  readonly maxTrainSteps?: number;
  /** Of the last step. */
  readonly loss?: number;
  readonly startedAt?: Date;
  /** When its figures or its state last changed. */
  readonly changedAt: Date;
  /** Why it failed. */
  readonly error?: string;
  /** Of a run that was interrupted or failed: the command, or the cell of a notebook, that goes on from there. */
  readonly resume?: string;
}

export interface RunsOptions {
  /** @default `runs/` of this checkout */
  readonly folder?: string;
}

/** Runs, and where they were looked for. */
export type RunList = RunInfo[] & { readonly folder: string };

/** All runs in a folder of runs, also those that one run has in folders of its own; the newest first. */
export async function runs({ folder = RUNS_FOLDER }: RunsOptions = {}): Promise<RunList> {
  const infos: RunInfo[] = [];
  for (const path of runFolders(resolve(folder), 3)) infos.push(await infoOf(path, folder));
  infos.sort((a, b) => b.changedAt.getTime() - a.changedAt.getTime());
  return Object.assign(infos, { folder: resolve(folder) });
}

/**
 * One run, by its id or its folder's path.
 * @throws RangeError where there is no such run
 */
export async function runInfo(
  run: string,
  { folder = RUNS_FOLDER }: RunsOptions = {},
): Promise<RunInfo> {
  const path = [resolve(folder, run), resolve(run)].find(isRunFolder);
  if (path !== undefined) return infoOf(path, folder);
  throw new RangeError(
    `There is no run "${run}" in ${resolve(folder)}, and no folder of that name with metrics.jsonl; runs() lists all.`,
  );
}

const isRunFolder = (path: string) =>
  ['run.json', 'metrics.jsonl'].some((name) => existsSync(join(path, name)));

/** Parts of a run that hold no runs. */
const PARTS = /^(checkpoint-\d+|validation|logs|unet|vae|text_encoder|tokenizer|scheduler|\..*)$/;

function runFolders(folder: string, depth: number): string[] {
  if (!existsSync(folder)) return [];
  const inside = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !PARTS.test(entry.name))
    .map(({ name }) => join(folder, name));
  const deeper = depth > 1 ? inside.flatMap((path) => runFolders(path, depth - 1)) : [];
  return [...inside.filter(isRunFolder), ...deeper];
}

async function infoOf(path: string, folder: string): Promise<RunInfo> {
  const status = await readRunStatus(path);
  const config = await readJsonIfThere(join(path, 'config.json'));
  const metrics = join(path, 'metrics.jsonl');
  const last = existsSync(metrics) ? (await readMetrics(metrics)).at(-1) : undefined;
  const step = last?.step ?? 0;
  const maxTrainSteps = status?.maxTrainSteps ?? numberIn(config, 'maxTrainSteps');
  const state = status?.state ?? (await stateWithout(path, step, maxTrainSteps));
  const isOver = state === 'interrupted' || state === 'failed';
  const resume = isOver ? resumeOf(path, status, config) : undefined;
  const times = [metrics, join(path, 'run.json')].filter((file) => existsSync(file));
  return {
    id: relative(resolve(folder), path).split(sep).join('/'),
    path,
    state,
    step,
    ...(maxTrainSteps === undefined ? {} : { maxTrainSteps }),
    ...(last?.loss === undefined ? {} : { loss: last.loss }),
    ...(status === undefined ? {} : { startedAt: new Date(status.startedAt) }),
    changedAt: new Date(Math.max(...times.map((file) => statSync(file).mtimeMs))),
    ...(status?.error === undefined ? {} : { error: status.error }),
    ...(resume === undefined ? {} : { resume }),
  };
}

/** Of a folder without `run.json`. */
async function stateWithout(
  path: string,
  step: number,
  maxTrainSteps: number | undefined,
): Promise<'finished' | 'interrupted' | 'unknown'> {
  if ((await finishedStep(path)) === step || step === maxTrainSteps) return 'finished';
  return maxTrainSteps === undefined ? 'unknown' : 'interrupted';
}

function numberIn(config: JsonObject | undefined, name: string): number | undefined {
  const value = config?.[name];
  return typeof value === 'number' ? value : undefined;
}

/** The options in `config.json` are whole, so that a cell that reads them trains the same run. */
function resumeOf(
  path: string,
  status: RunStatus | undefined,
  config: JsonObject | undefined,
): string | undefined {
  if (status?.command !== undefined) return `cd ${shellWord(status.cwd)} && ${status.command}`;
  if (config?.pretrainedModelNameOrPath === undefined) return undefined;
  const file = JSON.stringify(join(path, 'config.json'));
  return [
    ...(status === undefined ? [] : [`// Relative names in it begin at ${status.cwd}.`]),
    `const options = JSON.parse(require('node:fs').readFileSync(${file}, 'utf8'));`,
    `for await (const record of dashboard(train({ ...options, outputDir: ${JSON.stringify(path)} })));`,
  ].join('\n');
}
