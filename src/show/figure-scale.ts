/** From values to places on a figure: extents, round ticks, linear and logarithmic scales, and the spread of counts. */
import type { Axis, Histogram } from './figure';
import { formatNumber } from './text';

export type Range = readonly [number, number];

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** Places a value in pixels. */
export interface Scale {
  (value: number): number;
  readonly ticks: readonly Tick[];
  readonly range: Range;
}

export function extent(values: Iterable<number>): Range {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? [0, 1] : [low, high];
}

/** Round numbers (1, 2 or 5 times a power of ten) that cover the values, about `count` of them. */
export function niceTicks(values: readonly number[], count: number): number[] {
  const [low, high] = extent(values);
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = ([1, 2, 5, 10].find((factor) => factor * power * count >= span) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(10)),
  );
}

export interface ScaleOptions {
  /** Share of the span that stays free at both ends where the axis has no range of its own. */
  readonly room: number;
  /** A lowest value below which nothing stays free: what bars stand on. */
  readonly floor?: number | undefined;
  /** Ticks, about. */
  readonly count: number;
}

/**
 * The scale of an axis over `[from, to]` pixels.
 */
export function axisScale(
  { type = 'linear', range, autorange }: Axis,
  values: readonly number[],
  [from, to]: Range,
  { room, floor, count }: ScaleOptions,
): Scale {
  const isLog = type === 'log';
  const toLinear = (value: number) => (isLog ? Math.log10(value) : value);
  const [low, high] = range ?? padded(extent(values.map(toLinear)), room, floor);
  const [start, end] = autorange === 'reversed' ? [to, from] : [from, to];
  const place = (value: number) =>
    Number((start + ((toLinear(value) - low) / (high - low || 1)) * (end - start)).toFixed(2));
  const all = isLog ? logTicks([low, high]) : niceTicks([low, high], count);
  const slack = (high - low) * 1e-6;
  const inside = all.filter(
    (tick) => toLinear(tick) >= low - slack && toLinear(tick) <= high + slack,
  );
  const ticks = inside.map((at) => ({ at, label: tickLabel(at, inside) }));
  return Object.assign(place, { ticks, range: [low, high] as const });
}

/** With as many digits as tell it from its neighbours, and no zeros that say nothing. */
function tickLabel(at: number, ticks: readonly number[]): string {
  const [low, high] = extent(ticks);
  const step = (high - low) / Math.max(1, ticks.length - 1);
  const most = Math.max(Math.abs(low), Math.abs(high));
  const digits = step > 0 ? Math.ceil(Math.log10(most / step)) + 1 : 4;
  const label = formatNumber(at, Math.min(12, Math.max(4, digits)));
  return label.replace(/\.?0+(?=e)/, '');
}

function padded([low, high]: Range, room: number, floor: number | undefined): Range {
  const more = (high - low || Math.abs(high) || 1) * room;
  return [low === floor ? low : low - more, high + more];
}

/** Powers of ten, with 2 and 5 times them where there are few. */
function logTicks([low, high]: Range): number[] {
  const factors = high - low > 3 ? [1] : [1, 2, 5];
  const powers = Array.from(
    { length: Math.max(1, Math.ceil(high) - Math.floor(low) + 1) },
    (_, i) => 10 ** (Math.floor(low) + i),
  );
  return powers.flatMap((power) =>
    factors.map((factor) => Number((factor * power).toPrecision(3))),
  );
}

/** Counts of a histogram between round edges, as plotly's defaults come out. */
export function binned({ x, nbinsx = 20 }: Histogram): {
  readonly edges: number[];
  readonly counts: number[];
} {
  const edges = niceTicks(x, nbinsx);
  const counts = new Array<number>(edges.length - 1).fill(0);
  const [first = 0, second = 1] = edges;
  for (const value of x) {
    if (!Number.isFinite(value)) continue;
    const bin = Math.min(counts.length - 1, Math.floor((value - first) / (second - first)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { edges, counts };
}
