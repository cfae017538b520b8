/** `metrics.jsonl`: what every optimizer step measured, one JSON object a line. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeTextAtomically } from '../hub/atomic';
import { CheckpointError } from '../hub/checkpoint-error';
import { appendAll } from './append';

/** One line, under the original's names where it has one: `step, train_loss, lr, …`; NaN where a figure is not known. */
export type Metrics = Readonly<Record<string, number>> & { readonly step: number };

/** Figures that depend on the machine and the day, not on the run; those of two runs are not to be compared. */
export const TIMING_METRICS: ReadonlySet<string> = new Set([
  ...['pairs_per_second', 'seconds_left', 'tensors'],
]);

/** A step's record under the names of the file; its length in steps is no measurement and is left out. */
export function metricsOf(record: { readonly step: number }): Metrics {
  const figures = Object.entries(record).filter(
    ([name, value]) => typeof value === 'number' && name !== 'maxTrainSteps',
  );
  return Object.fromEntries(figures.map(([name, value]) => [metricName(name), value])) as Metrics;
}

/** In snake_case, which is train.py's name but for the rate. Upstream: train.py, `accelerator.log`. */
const metricName = (name: string) =>
  name === 'learningRate' ? 'lr' : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** An open `metrics.jsonl`. */
export interface MetricsFile {
  /** Adds a line; it has left the process when this returns, and survives its death. */
  log(metrics: Metrics): void;
  /** Brings all lines to the disk: before the checkpoint of the same step, so that a power cut cannot part them. */
  sync(): void;
  close(): void;
}

/**
 * Opens `metrics.jsonl` to append to.
 * @param resumeAt the step that is gone on from: later lines of the interrupted run, and a torn one, are cut off first.
 *   @default 0, a new run
 * @throws CheckpointError where a line before the last is no record
 */
export async function openMetrics(path: string, { resumeAt = 0 } = {}): Promise<MetricsFile> {
  const text = await readIfThere(path);
  const lines = parseLines(path, text).filter(([, { step }]) => step <= resumeAt);
  const kept = lines.map(([line]) => `${line}\n`).join('');
  if (kept !== text) await writeTextAtomically(path, kept);
  const descriptor = openSync(path, 'a');
  return {
    log: (metrics) => appendAll({ descriptor, path }, Buffer.from(`${JSON.stringify(metrics)}\n`)),
    sync: () => fsyncSync(descriptor),
    close: () => closeSync(descriptor),
  };
}

/**
 * All records of a `metrics.jsonl`, also while it is being written: a last line without its end is left out.
 * @throws CheckpointError where the file is missing, or a line before the last is no record
 */
export async function readMetrics(path: string): Promise<Metrics[]> {
  const text = await readIfThere(path);
  if (text === undefined) throw new CheckpointError(path, 'there is no such file.');
  return parseLines(path, text).map(([, metrics]) => metrics);
}

/** Whole lines beside what they say. */
function parseLines(path: string, text = ''): (readonly [line: string, metrics: Metrics])[] {
  const lines = text.split('\n');
  const whole = lines.slice(0, -1); // what follows the last \n is empty, or a line torn by a kill
  return whole.flatMap((line, i) => {
    const metrics = parseLine(line);
    if (metrics) return [[line, metrics] as const];
    // After a power cut the file's length may have reached the disk, and its last line not.
    if (i === whole.length - 1) return [];
    throw new CheckpointError(path, `line ${i + 1} is no record: ${line.slice(0, 60)}`);
  });
}

function parseLine(line: string): Metrics | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined; // the caller knows which line it is
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const figures = Object.entries(value).map(([name, figure]) => [name, figure ?? Number.NaN]);
  const metrics = Object.fromEntries(figures) as Metrics;
  return Number.isSafeInteger(metrics.step) ? metrics : undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
