/** Lines that tell how far a long job is, and stay readable when the job is over. */
import { type Live, liveDisplay } from './live';
import { cellSignal, notebook } from './notebook';
import { type BarState, barBundle, barText, type Facts, newBar, runAgain } from './progress-state';

export type { Facts } from './progress-state';

export interface Progress {
  /** @param done - of the total. Shown at most four times a second. */
  update(done: number, facts?: Facts): void;
  /** Shows the last state for good. */
  finish(facts?: Facts): void;
}

export interface ProgressOptions<T> {
  /** @default '' */
  readonly label?: string;
  /** How many items will come. @default the length or size of what is given, where it has one */
  readonly total?: number;
  /** What of an item is worth watching. @default nothing */
  readonly facts?: (item: T) => Facts;
}

/** Lines of a plain program come in this many milliseconds; a log keeps each. */
const LINE_MS = 10_000;

/** Bars shown in one place: the outermost and what was begun inside it. */
interface Group {
  readonly root: BarState;
  /** Begun and not ended, the outermost first. */
  readonly running: BarState[];
  readonly live: Live;
  /** Of the cell it was begun in: what a stopped cell left unfinished is no home for the bars of another. */
  readonly cell: AbortSignal | undefined;
  lineAt: number;
}

let newest: Group | undefined;

function begin(label: string, total: number | undefined): readonly [BarState, Group] {
  const cell = cellSignal();
  const outer = newest?.cell === cell ? newest?.running.at(-1) : undefined;
  if (!newest || !outer) {
    const root = newBar(label, total);
    newest = { root, running: [root], live: liveDisplay(), cell, lineAt: Date.now() };
    return [root, newest];
  }
  const again = outer.inner.find((bar) => bar.label === label && bar.ended !== undefined);
  const state = again ?? newBar(label, total);
  if (again) runAgain(again, total);
  else outer.inner.push(state);
  newest.running.push(state);
  return [state, newest];
}

/**
 * A progress line in the notebook, below the line of the job it is begun in, if there is one. In a plain program, lines
 * of text go to standard error from time to time, and one at the end.
 */
export function progressLine(label: string, total?: number): Progress {
  const [state, group] = begin(label, total);
  const { root, running, live } = group;
  return {
    update: (done, facts = {}) => {
      Object.assign(state, { done, facts });
      live.update(() => barBundle(root));
      if (notebook() || Date.now() - group.lineAt < LINE_MS) return;
      group.lineAt = Date.now();
      writeLine(state);
    },
    finish: (facts = state.facts) => {
      if (state.ended !== undefined) return;
      Object.assign(state, { facts, ended: (Date.now() - state.startedAt) / 1000 });
      running.splice(running.indexOf(state), 1);
      if (state !== root) return;
      live.finish(barBundle(root));
      if (!notebook()) writeLine(root);
    },
  };
}

const writeLine = (state: BarState) => process.stderr.write(`${barText(state)}\n`);

/**
 * Passes the items of a loop on, one by one, and shows how far it is, how fast, and how long it will take. Loops inside
 * are shown below. It ends when the loop does, however that is, and leaves its last state as text.
 */
export function progress<T>(
  items: AsyncIterable<T>,
  options?: ProgressOptions<T>,
): AsyncGenerator<T, void>;
export function progress<T>(items: Iterable<T>, options?: ProgressOptions<T>): Generator<T, void>;
export function progress<T>(
  items: AsyncIterable<T> | Iterable<T>,
  options: ProgressOptions<T> = {},
): AsyncGenerator<T, void> | Generator<T, void> {
  return Symbol.asyncIterator in items ? slow(items, options) : quick(items, options);
}

function* quick<T>(items: Iterable<T>, options: ProgressOptions<T>): Generator<T, void> {
  const tick = counter(items, options);
  try {
    for (const item of items) {
      tick.next(item);
      yield item;
    }
  } finally {
    tick.end();
  }
}

async function* slow<T>(
  items: AsyncIterable<T>,
  options: ProgressOptions<T>,
): AsyncGenerator<T, void> {
  const tick = counter(items, options);
  try {
    for await (const item of items) {
      tick.next(item);
      yield item;
    }
  } finally {
    tick.end();
  }
}

function counter<T>(
  items: object,
  { label = '', total = sizeOf(items), facts }: ProgressOptions<T>,
) {
  const line = progressLine(label, total);
  let done = 0;
  return {
    next: (item: T) => line.update(++done, facts?.(item)),
    end: () => line.finish(),
  };
}

function sizeOf(items: object): number | undefined {
  const { length, size } = items as { readonly length?: unknown; readonly size?: unknown };
  const known = length ?? size;
  return typeof known === 'number' ? known : undefined;
}

export interface FollowOptions<T> extends ProgressOptions<T> {
  readonly label: string;
  readonly total: number;
}

/** `progress` over a loop whose length only the caller knows, which may come from a plain generator. */
export async function* follow<T>(
  loop: AsyncIterable<T> | Iterable<T>,
  options: FollowOptions<T>,
): AsyncGenerator<T> {
  yield* Symbol.asyncIterator in loop ? progress(loop, options) : progress(loop, options);
}

/** Runs a job that yields how much of `total` is done, shows how far it is, and returns its result. */
export function watch<T>(
  job: Generator<number, T>,
  { label, total }: Pick<FollowOptions<T>, 'label' | 'total'>,
): T {
  const line = progressLine(label, total);
  try {
    for (;;) {
      const { value, done } = job.next();
      if (done) return value;
      line.update(value);
    }
  } finally {
    line.finish();
  }
}
