/** A training run under one cell while it goes on: curves, pace, time left, and the newest pictures. */
import type { StepRecord } from '../training';
import { type Card, cardGrid } from './cards';
import { liveDisplay } from './live';
import { DISPLAY, type MimeBundle } from './notebook';
import { liveBundle, plot } from './plot';
import { runFigure } from './run-figure';
import { formatDuration, formatNumber } from './text';
import { bar, facts, factsText, heading } from './theme';

export interface DashboardOptions<T extends StepRecord> {
  /** @default training */
  readonly title?: string;
  /**
   * Called after every step; the cards it gives (base and policy of one prompt, say) are shown from then on. It gives
   * undefined where there are no new ones.
   */
  readonly samples?: (
    record: T,
  ) => readonly Card[] | undefined | Promise<readonly Card[] | undefined>;
}

/** What has records: `trainOnWorld(…)`, or the loop itself, `train(…)`. */
export type RunRecords<T> = AsyncIterable<T> | { readonly records: AsyncIterable<T> };

/**
 * Passes the records of a run on, one by one, and shows it: for await (const record of dashboard(run)) { … }. Twice at
 * most four times a second; at the end the curves are interactive, and pace and pictures stay as they were last.
 */
export async function* dashboard<T extends StepRecord>(
  run: RunRecords<T>,
  { title = 'training', samples = () => undefined }: DashboardOptions<T> = {},
): AsyncGenerator<T, readonly T[]> {
  const [head, curves] = [liveDisplay(), liveDisplay()];
  const records: T[] = [];
  const startedAt = Date.now();
  let pictures: MimeBundle = {};
  const seconds = () => (Date.now() - startedAt) / 1000;
  try {
    for await (const record of 'records' in run ? run.records : run) {
      records.push(record);
      const cards = await samples(record);
      if (cards && cards.length > 0) pictures = await cardGrid(cards, { columns: 4 })[DISPLAY]();
      head.update(() =>
        headBundle(title, record, { pictures, seconds: seconds(), state: 'running' }),
      );
      curves.update(() => liveBundle(runFigure(records)));
      yield record;
    }
  } finally {
    const last = records.at(-1);
    if (last) {
      head.finish(headBundle(title, last, { pictures, seconds: seconds(), state: 'ended' }));
      curves.finish(await plot(runFigure(records))[DISPLAY]());
    }
  }
  return records;
}

interface Pace {
  readonly pictures: MimeBundle;
  readonly seconds: number;
  readonly state: 'running' | 'ended';
}

function headBundle(
  title: string,
  record: StepRecord,
  { pictures, seconds, state }: Pace,
): MimeBundle {
  const { step, maxTrainSteps, loss, implicitAcc, margin, gradNorm, learningRate } = record;
  const known = Object.entries({
    loss,
    'implicit accuracy': implicitAcc,
    margin,
    'gradient norm': gradNorm,
    'learning rate': learningRate,
  });
  const figures = known.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, formatNumber(value, 3)] as const],
  );
  const time =
    state === 'running'
      ? (['left', formatDuration(record.secondsLeft)] as const)
      : (['time', formatDuration(seconds)] as const);
  const pace = [['pairs/s', formatNumber(record.pairsPerSecond, 3)] as const, time];
  const where = `${title}: step ${step} of ${maxTrainSteps}`;
  const shown = String(pictures['text/html'] ?? '');
  return {
    'text/html': `<div style="font-variant-numeric:tabular-nums">${heading(where)}${bar(step / maxTrainSteps, undefined, 300)}${facts([...figures, ...pace])}${shown}</div>`,
    'text/plain': [
      `${where} · ${factsText([...figures, ...pace])}`,
      String(pictures['text/plain'] ?? ''),
    ]
      .filter((line) => line)
      .join('\n'),
  };
}
