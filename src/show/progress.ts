/** One line that tells how far a long job is, and stays readable when the job is over. */
import { randomUUID } from 'node:crypto';
import { type MimeBundle, notebook } from './notebook';
import { escapeHtml, formatDuration, formatNumber } from './text';

/** Figures shown beside the bar, `{ loss: 0.61, 'pairs/s': 41 }`. */
export type Facts = { readonly [name: string]: number | string };

export interface Progress {
  /** @param done - of `total`. Shown at most four times a second. */
  update(done: number, facts?: Facts): void;
  /** Shows the last state for good. */
  finish(facts?: Facts): void;
}

const UPDATE_MS = 250; // a notebook server allows far more; a page need not

/** A progress line in the notebook; in a plain program nothing is shown. */
export function progress(label: string, total: number): Progress {
  const displayId = randomUUID();
  const started = Date.now();
  let shown = Number.NEGATIVE_INFINITY;
  let state = { done: 0, facts: {} as Facts };
  const show = (ended: 'running' | 'ended') => {
    const seconds = (Date.now() - started) / 1000;
    const bundle = progressBundle({ label, total, ...state, seconds, ended });
    if (shown === Number.NEGATIVE_INFINITY) notebook()?.display(bundle, { displayId });
    else notebook()?.update(displayId, bundle);
    shown = Date.now();
  };
  return {
    update: (done, facts = {}) => {
      state = { done, facts };
      if (Date.now() - shown >= UPDATE_MS) show('running');
    },
    finish: (facts = state.facts) => {
      state = { ...state, facts };
      show('ended');
    },
  };
}

export interface FollowOptions<T> {
  readonly label: string;
  /** How many records will come. */
  readonly total: number;
  /** What of a record is worth watching. */
  readonly facts?: (record: T) => Facts;
}

/** Passes the records of a loop on, one by one, and shows how far it is. */
export async function* follow<T>(
  loop: AsyncIterable<T> | Iterable<T>,
  { label, total, facts = () => ({}) }: FollowOptions<T>,
): AsyncGenerator<T> {
  const line = progress(label, total);
  let done = 0;
  let last: Facts = {};
  try {
    for await (const record of loop) {
      last = facts(record);
      line.update(++done, last);
      yield record;
    }
  } finally {
    line.finish(last);
  }
}

/** Runs a job that yields how much of `total` is done, shows how far it is, and returns its result. */
export function watch<T>(
  job: Generator<number, T>,
  { label, total }: Pick<FollowOptions<T>, 'label' | 'total'>,
): T {
  const line = progress(label, total);
  for (;;) {
    const { value, done } = job.next();
    if (done) {
      line.finish();
      return value;
    }
    line.update(value);
  }
}

interface State {
  readonly label: string;
  readonly total: number;
  readonly done: number;
  readonly facts: Facts;
  readonly seconds: number;
  readonly ended: 'running' | 'ended';
}

function progressBundle({ label, total, done, facts, seconds, ended }: State): MimeBundle {
  const parts = Object.entries(facts).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? formatNumber(value, 3) : value}`,
  );
  const left = (seconds / Math.max(done, 1)) * (total - done);
  const time =
    ended === 'ended' ? formatDuration(seconds) : done > 0 ? `${formatDuration(left)} left` : '…';
  const text = [`${label} ${done}/${total}`, ...parts, time].join(' · ');
  const bar = `<progress value="${done}" max="${total}" style="width:12em"></progress>`;
  return { 'text/html': `${bar} ${escapeHtml(text)}`, 'text/plain': text };
}
