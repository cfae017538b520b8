/** A run that is going on, or over, drawn from its folder: from any notebook, whoever started it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { decodeImage } from '../data/image';
import { type Metrics, type RunInfo, type RunsOptions, readMetrics, runInfo } from '../training';
import { liveDisplay } from './live';
import { cellSignal, type MimeBundle, notebook } from './notebook';
import { plot } from './plot';
import { runFigure, runFinding } from './run-figure';
import { escapeHtml, formatDuration, formatNumber } from './text';
import { bar, facts, factsText, heading, remark, row } from './theme';
import { thumbnail } from './thumbnail';

/** A curve is drawn anew at most once in this many milliseconds: the run needs the processors. */
const REDRAW_MS = 1000;
const POLL_MS = 250;

/** Four pictures of this many pixels a side are a live update of less than 200 KB. */
const MOST_PICTURES = 4;
const SIDE = 160;

/**
 * Shows a run's figures, curves and newest validation pictures, and follows them until the run ends or the cell is
 * stopped; the run itself is not touched. Returns how it stands, which as a cell's last value is its interactive curves.
 * @param run its id, as `runs()` has it, or its folder's path
 * @throws RangeError where there is no such run
 */
export async function attach(run: string, options: RunsOptions = {}): Promise<RunInfo> {
  const signal = cellSignal();
  const live = liveDisplay();
  let info = await runInfo(run, options);
  let drawn = '';
  while (info.state === 'running' && !signal?.aborted) {
    const stamp = stampOf(info);
    if (stamp !== drawn && notebook()) {
      const bundle = await runBundle(info);
      live.update(() => bundle);
      drawn = stamp;
      await pause(REDRAW_MS, signal);
    } else await pause(POLL_MS, signal);
    info = await runInfo(run, options);
  }
  live.finish(await runBundle(info));
  return info;
}

/** Ends early where the cell is stopped. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** Changes when there is something new to draw. */
function stampOf({ path, step }: RunInfo): string {
  return `${step} ${newestPictures(path).map((file) => `${file} ${statSync(file).mtimeMs}`)}`;
}

async function runBundle(info: RunInfo): Promise<MimeBundle> {
  const { id, path, state, step, maxTrainSteps, resume, error } = info;
  const file = join(path, 'metrics.jsonl');
  const metrics = existsSync(file) ? await readMetrics(file) : [];
  const of = maxTrainSteps === undefined ? '' : ` of ${maxTrainSteps}`;
  const title = `${id}: ${state}, step ${step}${of}`;
  const figures = figuresOf(info, metrics.at(-1));
  const finding = metrics.length === 0 ? 'No step is done yet.' : runFinding(metrics);
  const html = [
    heading(title),
    maxTrainSteps === undefined ? '' : bar(step / maxTrainSteps, undefined, 300),
    facts(figures),
    error === undefined ? '' : `<div>${escapeHtml(error)}</div>`,
    await curvesHtml(metrics, finding),
    await picturesHtml(path),
    resume === undefined ? '' : `${remark('To go on from there:')}<pre>${escapeHtml(resume)}</pre>`,
  ];
  const text = [
    title,
    factsText(figures),
    finding,
    ...(error === undefined ? [] : [error]),
    ...newestPictures(path),
    ...(resume === undefined ? [] : [`To go on from there:\n${resume}`]),
  ];
  return {
    'text/html': html.join(''),
    'text/plain': text.filter((line) => line !== '').join('\n'),
  };
}

/** Of the last step, under the names of `metrics.jsonl`. */
function figuresOf(info: RunInfo, last: Metrics | undefined) {
  const named = {
    loss: last?.loss,
    'implicit accuracy': last?.implicit_acc,
    margin: last?.margin,
    'gradient norm': last?.grad_norm,
    'pairs/s': last?.pairs_per_second,
  };
  const known = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, formatNumber(value, 3)] as const],
  );
  return [...known, ...timeOf(info, last)];
}

function timeOf({ state, startedAt, changedAt }: RunInfo, last: Metrics | undefined) {
  if (state === 'running')
    return last?.seconds_left === undefined
      ? []
      : [['left', formatDuration(last.seconds_left)] as const];
  if (startedAt === undefined) return [];
  const seconds = (changedAt.getTime() - startedAt.getTime()) / 1000;
  return [['time', formatDuration(seconds)] as const];
}

async function curvesHtml(metrics: readonly Metrics[], alt: string): Promise<string> {
  if (metrics.length === 0) return '';
  const png = Buffer.from(await plot(runFigure(metrics)).png()).toString('base64');
  return `<img src="data:image/png;base64,${png}" alt="${escapeHtml(alt)}" style="max-width:100%">`;
}

async function picturesHtml(path: string): Promise<string> {
  const files = newestPictures(path);
  const pictures = files.map(async (file) => {
    const alt = file.slice(path.length + 1);
    return thumbnail(await decodeImage(readFileSync(file)), { side: SIDE, alt });
  });
  return files.length === 0 ? '' : row(await Promise.all(pictures));
}

/** The first validation pictures of the newest step that has any. */
function newestPictures(path: string): string[] {
  const folder = join(path, 'validation');
  if (!existsSync(folder)) return [];
  const steps = readdirSync(folder)
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
  const folders = steps.map((step) => join(folder, `step-${step}`));
  const pictures = folders.map((at) =>
    readdirSync(at, { withFileTypes: true })
      .filter(({ name }) => /^\d+\.png$/.test(name))
      .map(({ name }) => join(at, name))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true })),
  );
  return (pictures.find(({ length }) => length > 0) ?? []).slice(0, MOST_PICTURES);
}
