/** A run that is going on, or over, drawn from its folder: from any notebook, whoever started it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { decodeImage } from '../data/image';
import { type Metrics, type RunInfo, type RunsOptions, readMetrics, runInfo } from '../training';
import { liveDisplay } from './live';
import { cellSignal, DISPLAY, type MimeBundle, notebook } from './notebook';
import { liveBundle, plot } from './plot';
import { runFigure, runFinding } from './run-figure';
import { runSentence } from './run-look';
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
 * Shows a run's figures, newest validation pictures and curves, and follows them until the run ends or the cell is
 * stopped; the run itself is not touched. At the end the curves are interactive. Returns how the run stands.
 * @param run its id, as `runs()` has it, or its folder's path
 * @throws RangeError where there is no such run
 */
export async function attach(run: string, options: RunsOptions = {}): Promise<RunInfo> {
  const signal = cellSignal();
  const [head, curves] = [liveDisplay(), liveDisplay()];
  let info = await runInfo(run, options);
  let drawn = '';
  while (info.state === 'running' && !signal?.aborted) {
    const stamp = stampOf(info);
    if (stamp !== drawn && notebook()) {
      const metrics = await metricsOf(info);
      const bundle = await headBundle(info, metrics);
      head.update(() => bundle);
      if (metrics.length > 0) curves.update(() => liveBundle(runFigure(metrics)));
      drawn = stamp;
      await pause(REDRAW_MS, signal);
    } else await pause(POLL_MS, signal);
    info = await runInfo(run, options);
  }
  const metrics = await metricsOf(info);
  head.finish(await headBundle(info, metrics));
  if (metrics.length > 0) curves.finish(await plot(runFigure(metrics))[DISPLAY]());
  return inOneLine(info);
}

/** As a cell's value; its curves are above it already. */
const inOneLine = (info: RunInfo): RunInfo =>
  Object.defineProperty({ ...info }, DISPLAY, {
    value: (): MimeBundle => ({ 'text/plain': `${runSentence(info)} in ${info.path}` }),
  });

async function metricsOf({ path }: RunInfo): Promise<readonly Metrics[]> {
  const file = join(path, 'metrics.jsonl');
  return existsSync(file) ? readMetrics(file) : [];
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

async function headBundle(info: RunInfo, metrics: readonly Metrics[]): Promise<MimeBundle> {
  const { id, path, state, step, maxTrainSteps, resume, error } = info;
  const of = maxTrainSteps === undefined ? '' : ` of ${maxTrainSteps}`;
  const title = `${id}: ${state}, step ${step}${of}`;
  const figures = figuresOf(info, metrics.at(-1));
  const finding = metrics.length === 0 ? 'No step is done yet.' : runFinding(metrics);
  const html = [
    heading(title),
    maxTrainSteps === undefined ? '' : bar(step / maxTrainSteps, undefined, 300),
    facts(figures),
    metrics.length === 0 ? remark(finding) : '', // else it is the title of the curves
    error === undefined ? '' : `<div>${escapeHtml(error)}</div>`,
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
