/** How far a piece of work is, with the pieces inside it, as HTML and as text. */
import type { MimeBundle } from './notebook';
import { escapeHtml, formatDuration, formatNumber } from './text';
import { bar, COLOURS } from './theme';

/** Figures shown beside the bar, `{ loss: 0.61, 'pairs/s': 41 }`. */
export type Facts = { readonly [name: string]: number | string };

/** One bar. A loop that is run again inside another goes on with the same bar and counts how often. */
export interface BarState {
  readonly label: string;
  /** Undefined where nobody knows. */
  total: number | undefined;
  done: number;
  facts: Facts;
  /** Times begun. */
  runs: number;
  /** Done in earlier runs. */
  before: number;
  /** Seconds of earlier runs. */
  secondsBefore: number;
  /** Of this run, in milliseconds since 1970. */
  startedAt: number;
  /** Seconds of this run when it ended; undefined while it goes on. */
  ended: number | undefined;
  readonly inner: BarState[];
}

export const newBar = (label: string, total: number | undefined): BarState => ({
  ...{ label, total, done: 0, facts: {}, runs: 1, before: 0, secondsBefore: 0 },
  ...{ startedAt: Date.now(), ended: undefined, inner: [] },
});

export function runAgain(state: BarState, total: number | undefined): void {
  state.before += state.done;
  state.secondsBefore += state.ended ?? 0;
  Object.assign(state, { total, done: 0, startedAt: Date.now(), ended: undefined });
  state.runs++;
}

const secondsOf = (state: BarState) => state.ended ?? (Date.now() - state.startedAt) / 1000;

/** Shorter times say nothing about a rate. */
const LEAST_SECONDS = 0.5;

/** Once over, a bar tells of all its runs. */
export function barText(state: BarState): string {
  const { label, total, done, facts, runs, before, ended } = state;
  const isOver = ended !== undefined;
  const all = isOver ? before + done : done;
  const seconds = secondsOf(state) + (isOver ? state.secondsBefore : 0);
  const counted =
    isOver && runs > 1 ? `${formatNumber(all)} in ${runs} runs` : ofTotal(done, total);
  const named = Object.entries(facts).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? formatNumber(value, 3) : value}`,
  );
  const pace = seconds >= LEAST_SECONDS && all > 0 ? [rateText(all / seconds)] : [];
  return [`${label} ${counted}`.trim(), ...named, ...pace, timeText(state, seconds)].join(' · ');
}

const ofTotal = (done: number, total: number | undefined) =>
  total === undefined ? `${done}` : `${done}/${total}`;

const rateText = (perSecond: number) =>
  perSecond >= 1 ? `${formatNumber(perSecond, 3)}/s` : `${formatNumber(1 / perSecond, 3)} s each`;

function timeText({ total, done, ended }: BarState, seconds: number): string {
  if (ended !== undefined) return formatDuration(seconds);
  if (total === undefined) return `${formatDuration(seconds)} so far`;
  return done > 0 ? `${formatDuration((seconds / done) * (total - done))} left` : '…';
}

export function barBundle(state: BarState): MimeBundle {
  const lines = barLines(state, 0);
  return {
    'text/html': lines.map(({ html }) => html).join(''),
    'text/plain': lines.map(({ text }) => text).join('\n'),
  };
}

function barLines(state: BarState, depth: number): { html: string; text: string }[] {
  const { total, done, ended, inner } = state;
  const text = barText(state);
  const isShort = ended !== undefined && total !== undefined && done < total;
  const share =
    total === undefined ? (ended === undefined ? 0 : 1) : total === 0 ? 1 : done / total;
  const colour = isShort ? COLOURS[1] : ended === undefined ? COLOURS[0] : COLOURS[2];
  const look = `margin-left:${1.2 * depth}em;font-variant-numeric:tabular-nums`;
  const html = `<div style="${look}">${bar(share, colour, 180)} ${escapeHtml(text)}</div>`;
  const own = { html, text: `${'  '.repeat(depth)}${text}` };
  return [own, ...inner.flatMap((one) => barLines(one, depth + 1))];
}
