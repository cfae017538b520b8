/** The static twin of a line plot, drawn without a browser. */
import type { Curve, LinePlotOptions } from './line-plot';
import { escapeHtml, formatNumber } from './text';

const WIDTH = 720;
const HEIGHT = 380;
const MARGIN = { top: 24, right: 24, bottom: 48, left: 68 };

/** An SVG picture of the curves, 720 × 380. */
export function linePlotSvg(
  curves: readonly Curve[],
  { title, xLabel = 'step', yLabel = '', levels = [] }: LinePlotOptions,
): string {
  const top = MARGIN.top + (title === undefined ? 0 : 22) + (curves.length > 1 ? 20 : 0);
  const area = {
    left: MARGIN.left,
    right: WIDTH - MARGIN.right,
    top,
    bottom: HEIGHT - MARGIN.bottom,
  };
  const ys = curves.flatMap(({ y, raw = [] }) => [...y, ...raw]);
  const xTicks = niceTicks(
    curves.flatMap(({ x }) => x),
    7,
  );
  const yTicks = niceTicks([...ys, ...levels.map(({ y }) => y)], 6);
  const x = linear(extent(curves.flatMap((curve) => curve.x)), [area.left, area.right]);
  const [low, high] = extent([...ys, ...levels.map((level) => level.y)]);
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  const y = linear([low - room, high + room], [area.bottom, area.top]);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...yTicks
      .filter((tick) => tick >= low - room && tick <= high + room)
      .flatMap((tick) => [
        `<line x1="${area.left}" x2="${area.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#e5e5e5"/>`,
        text(area.left - 8, y(tick) + 4, formatNumber(tick), 'end'),
      ]),
    ...xTicks
      .filter((tick) => x(tick) >= area.left - 1 && x(tick) <= area.right + 1)
      .map((tick) => text(x(tick), area.bottom + 18, formatNumber(tick), 'middle')),
    `<line x1="${area.left}" x2="${area.right}" y1="${area.bottom}" y2="${area.bottom}" stroke="#888"/>`,
    ...levels.flatMap((level) => [
      `<line x1="${area.left}" x2="${area.right}" y1="${y(level.y)}" y2="${y(level.y)}" stroke="#666" stroke-dasharray="6 4"/>`,
      text(area.right, y(level.y) - 5, level.label, 'end'),
    ]),
    ...curves.flatMap(({ raw, x: xs, colour }) =>
      raw === undefined
        ? []
        : [line(xs.map(x), raw.map(y), colour, 'width="1" stroke-opacity="0.3"')],
    ),
    ...curves.map((curve) => line(curve.x.map(x), curve.y.map(y), curve.colour, 'width="2"')),
    text((area.left + area.right) / 2, HEIGHT - 10, xLabel, 'middle'),
    `<g transform="translate(16 ${(area.top + area.bottom) / 2}) rotate(-90)">${text(0, 0, yLabel, 'middle')}</g>`,
    title === undefined
      ? ''
      : `<g font-size="15" font-weight="bold">${text(area.left, 28, title, 'start')}</g>`,
    curves.length > 1 ? legend(curves, area.left, top - 14) : '',
    '</svg>',
  ];
  return parts.join('');
}

type Range = readonly [number, number];

function linear([from, to]: Range, [start, end]: Range): (value: number) => number {
  const span = to - from || 1;
  return (value) => Number((start + ((value - from) / span) * (end - start)).toFixed(2));
}

function extent(values: readonly number[]): Range {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  return finite.reduce<Range>(
    ([lo, hi], v) => [Math.min(lo, v), Math.max(hi, v)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
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

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeHtml(words)}</text>`;
}

/** Points that are not finite are left out, and the line is broken there. */
function line(
  xs: readonly number[],
  ys: readonly number[],
  colour: string,
  stroke: string,
): string {
  let isPenUp = true;
  const path = xs.map((x, i) => {
    const y = ys[i] ?? Number.NaN;
    if (!Number.isFinite(y)) {
      isPenUp = true;
      return '';
    }
    const move = isPenUp ? 'M' : 'L';
    isPenUp = false;
    return `${move}${x} ${y}`;
  });
  return `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-${stroke} stroke-linejoin="round"/>`;
}

function legend(curves: readonly Curve[], left: number, y: number): string {
  let x = left;
  return curves
    .map(({ name, colour }) => {
      const key = `<line x1="${x}" x2="${x + 20}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2"/>`;
      const entry = key + text(x + 26, y, name, 'start');
      x += 46 + name.length * 7;
      return entry;
    })
    .join('');
}
