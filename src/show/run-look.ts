/** A run as the last value of a cell: what it is, how far it came, and its curves where they are on disk. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { WorldRun } from '../toyworld';
import { type RunInfo, readMetrics, type TrainResult } from '../training';
import { addLook, has } from './looks';
import { DISPLAY, type MimeBundle } from './notebook';
import { parametersBundle } from './parameter-tree';
import { plot } from './plot';
import { runFigure, runFinding } from './run-figure';
import { table } from './table';
import { formatDuration } from './text';
import { heading, remark } from './theme';

/** The curves of a run's folder; what is read is `metrics.jsonl`. */
async function folderBundle(folder: string, said: string): Promise<MimeBundle> {
  const file = join(folder, 'metrics.jsonl');
  const metrics = existsSync(file) ? await readMetrics(file) : [];
  if (metrics.length === 0) return { 'text/plain': said };
  const text = [said, runFinding(metrics), `metrics in ${file}`].join('\n');
  return plot(runFigure(metrics), { text })[DISPLAY]();
}

addLook(
  'result of a run',
  { is: has('outputDir', 'ended', 'step') },
  ({ outputDir, step, ended, checkpoint }: TrainResult) =>
    folderBundle(
      outputDir,
      `Run ${ended} after ${step} steps in ${outputDir}${checkpoint ? `, newest checkpoint ${checkpoint}` : ''}`,
    ),
);

interface RunFolder {
  readonly id: string;
  readonly path: string;
}

addLook('folder of a run', { is: has('id', 'path', 'log', 'file') }, ({ id, path }: RunFolder) =>
  folderBundle(path, `Run ${id} in ${path}`),
);

addLook('run in the world', { is: has('policy', 'records', 'dispose') }, ({ policy }: WorldRun) => {
  const model = parametersBundle(policy.parameters, 'policy');
  const how =
    'Records come as they are asked for: for await (const record of dashboard(run)) { … }';
  return {
    'text/html': heading('A run that trains its policy') + remark(how) + String(model['text/html']),
    'text/plain': `A run that trains its policy. ${how}\n${model['text/plain']}`,
  };
});

const isRunInfo = has('id', 'path', 'state', 'step', 'changedAt');

/** `Run toy, finished after 200 steps`. */
export const runSentence = ({ id, state, step }: RunInfo) =>
  `Run ${id}, ${state} after ${step} steps`;

addLook('run on disk', { is: isRunInfo }, (info: RunInfo) =>
  folderBundle(info.path, runSentence(info)),
);

const isRunList = (value: object) =>
  Array.isArray(value) && value.every(isRunInfo) && (value.length > 0 || has('folder')(value));

addLook(
  'runs on disk',
  { is: isRunList },
  async (runs: readonly RunInfo[] & { readonly folder?: string }) => {
    if (runs.length === 0) return noRuns(runs.folder ?? '');
    const rows = runs.map(({ id, state, step, maxTrainSteps, loss, startedAt, changedAt }) => ({
      run: id,
      state,
      step,
      of: maxTrainSteps,
      loss,
      changed: changedAt.toISOString().slice(0, 16).replace('T', ' '),
      time: startedAt && formatDuration((changedAt.getTime() - startedAt.getTime()) / 1000),
    }));
    return table(rows)[DISPLAY]();
  },
);

/** An empty table would not say whether the right place was looked at. */
function noRuns(folder: string): MimeBundle {
  const text = `There are no runs in ${folder}: no folder in it has run.json or metrics.jsonl.`;
  return { 'text/html': remark(text), 'text/plain': text };
}
