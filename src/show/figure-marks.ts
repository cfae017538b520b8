/** The marks of a figure's traces, as pieces of SVG. */
import type { Bar, Heatmap, Histogram, Scatter } from './figure';
import { binned, extent, type Scale } from './figure-scale';

export interface Place {
  readonly x: Scale;
  readonly y: Scale;
}

const DASHES = {
  solid: '',
  dash: ' stroke-dasharray="7 5"',
  dot: ' stroke-dasharray="2 4"',
} as const;
export const dashes = (dash: keyof typeof DASHES = 'solid') => DASHES[dash];

export function scatterMarks(trace: Scatter, { x, y }: Place, colour: string): string {
  const { mode = 'lines', line = {}, marker = {}, error_y: errors } = trace;
  const stroke = line.color ?? marker.color ?? colour;
  const parts: string[] = [];
  if (mode.includes('lines')) {
    const look = `stroke="${stroke}" stroke-width="${line.width ?? 2.5}"${dashes(line.dash)}`;
    const path = linePath(
      trace.x.map(x),
      trace.y.map((value) => (Number.isFinite(value) ? y(value) : value)),
    );
    parts.push(`<path d="${path}" fill="none" ${look} stroke-linejoin="round"/>`);
  }
  trace.x.forEach((at, i) => {
    const value = trace.y[i] ?? Number.NaN;
    if (!Number.isFinite(value)) return;
    const up = errors?.array[i];
    if (up !== undefined) {
      const down = errors?.arrayminus?.[i] ?? up;
      parts.push(errorBar(x(at), y(value + up), y(value - down), stroke));
    }
    if (mode.includes('markers'))
      parts.push(
        `<circle cx="${x(at)}" cy="${y(value)}" r="${(marker.size ?? 8) / 2}" fill="${marker.color ?? stroke}"/>`,
      );
  });
  return parts.join('');
}

/** Points that are not finite are left out, and the line is broken there. */
function linePath(xs: readonly number[], ys: readonly number[]): string {
  let isPenUp = true;
  const moves = xs.map((x, i) => {
    const y = ys[i] ?? Number.NaN;
    if (!Number.isFinite(y) || !Number.isFinite(x)) {
      isPenUp = true;
      return '';
    }
    const move = isPenUp ? 'M' : 'L';
    isPenUp = false;
    return `${move}${x} ${y}`;
  });
  return moves.join('');
}

const errorBar = (x: number, top: number, bottom: number, colour: string) =>
  `<path d="M${x - 5} ${top}h10M${x} ${top}V${bottom}M${x - 5} ${bottom}h10" stroke="${colour}" stroke-width="1.5" fill="none"/>`;

const rect = (x: number, y: number, width: number, height: number, fill: string) =>
  `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${Math.max(0, width).toFixed(2)}" height="${Math.max(0, height).toFixed(2)}" fill="${fill}"/>`;

/** Bars of one category stand side by side: this is number `index` of `of`. */
export function barMarks(
  { y: values, error_y: errors }: Bar,
  { x, y }: Place,
  colour: string,
  [index, of]: readonly [number, number],
): string {
  const slot = Math.abs(x(1) - x(0)) * 0.8;
  const width = slot / of;
  return values
    .map((value, i) => {
      if (!Number.isFinite(value)) return '';
      const left = x(i) - slot / 2 + index * width;
      const [top, bottom] = [y(Math.max(0, value)), y(Math.min(0, value))];
      const up = errors?.array[i];
      const error =
        up === undefined
          ? ''
          : errorBar(
              left + width / 2,
              y(value + up),
              y(value - (errors?.arrayminus?.[i] ?? up)),
              '#222222',
            );
      return rect(left, top, width - 1, bottom - top, colour) + error;
    })
    .join('');
}

export function histogramMarks(trace: Histogram, { x, y }: Place, colour: string): string {
  const { edges, counts } = binned(trace);
  return counts
    .map((count, i) => {
      const [left, right] = [x(edges[i] ?? 0), x(edges[i + 1] ?? 0)];
      return rect(left, y(count), right - left - 1, y(0) - y(count), colour);
    })
    .join('');
}

/** From dark to light: told apart by colour-blind readers and in grey (Viridis, van der Walt and Smith 2015). */
const VIRIDIS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

export function viridis(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const i = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const [from, to] = [VIRIDIS[i] ?? [0, 0, 0], VIRIDIS[i + 1] ?? [0, 0, 0]];
  const mix = from.map((channel, c) => Math.round(channel + (at - i) * ((to[c] ?? 0) - channel)));
  return `rgb(${mix.join(',')})`;
}

export function heatmapMarks({ z, zmin, zmax }: Heatmap, { x, y }: Place): string {
  const [low, high] = extent(z.flat());
  const [from, to] = [zmin ?? low, zmax ?? high];
  const cells = z.flatMap((row, j) =>
    row.map((value, i) => {
      if (!Number.isFinite(value)) return '';
      const [left, right] = [x(i - 0.5), x(i + 0.5)];
      const ends = [y(j - 0.5), y(j + 0.5)];
      const [top, bottom] = [Math.min(...ends), Math.max(...ends)];
      // A third of a pixel more closes the seams that antialiasing leaves.
      return rect(
        left,
        top,
        right - left + 0.3,
        bottom - top + 0.3,
        viridis((value - from) / (to - from || 1)),
      );
    }),
  );
  return cells.join('');
}
