/** A figure drawn without a browser: the static twin of what plotly draws, white in every theme. */
import { type Annotation, axisOf, type Figure, type Line, type Trace } from './figure';
import {
  barMarks,
  dashes,
  heatmapMarks,
  histogramMarks,
  type Place,
  scatterMarks,
} from './figure-marks';
import { axisScale, binned, type Scale } from './figure-scale';
import { escapeHtml, wrap } from './text';
import { COLOURS } from './theme';

/** JupyterLab shows a figure's picture at its own size and cuts what does not fit its column. */
export const WIDTH = 720;
const MARGIN = { top: 16, right: 22, bottom: 50, left: 76 };

interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

type Anchor = 'start' | 'middle' | 'end';

const words = (x: number, y: number, text: string, anchor: Anchor, more = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${more}>${escapeHtml(text)}</text>`;

/** A title may be a sentence; it takes a second line rather than be cut. */
export const titleLines = (title = '') => wrap(title, 74);

/** The colour of a trace: its own, or its turn among those that have none. */
export function colourOf({ data }: Figure, trace: Trace): string {
  const own = 'line' in trace && trace.line?.color ? trace.line.color : undefined;
  const marked = 'marker' in trace ? trace.marker?.color : undefined;
  return own ?? marked ?? COLOURS[data.indexOf(trace) % COLOURS.length] ?? '#000000';
}

export function figureSvg(figure: Figure): string {
  const { data, layout = {} } = figure;
  const { title, height = 400 } = layout;
  const named = data.filter(({ name, showlegend = true }) => name !== undefined && showlegend);
  const hasLegend = layout.showlegend ?? named.length > 1;
  const lines = titleLines(title?.text);
  const top = MARGIN.top + lines.length * 22 + (lines.length > 0 ? 8 : 0) + (hasLegend ? 26 : 0);
  const pairs = new Map(data.map((trace) => [axesOf(trace).join(), axesOf(trace)] as const));
  const right = WIDTH - MARGIN.right;
  const usual = { left: MARGIN.left, right, top, bottom: height - MARGIN.bottom };
  const outer = { ...usual, left: leftOf(figure, [...pairs.values()], usual) };
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="14" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...[...pairs.values()].map((axes) => panel(figure, axes, outer)),
    `<g font-size="17" font-weight="bold">${lines.map((line, i) => words(14, 28 + 22 * i, line, 'start')).join('')}</g>`,
    hasLegend ? legend(figure, named, top - 14) : '',
    '</svg>',
  ];
  return parts.join('');
}

type Axes = readonly [x: string, y: string];
const axesOf = ({ xaxis = 'x', yaxis = 'y' }: Trace): Axes => [xaxis, yaxis];

/** What is drawn against a pair of axes, and its scales. */
function contentOf(figure: Figure, axes: Axes, outer: Area) {
  const traces = figure.data.filter((trace) => axesOf(trace).join() === axes.join());
  const { shapes = [], annotations = [] } = figure.layout ?? {};
  const isHere = ({ xref = 'x', yref = 'y' }: Line | Annotation) => belongs([xref, yref], axes);
  const [lines, notes] = [shapes.filter(isHere), annotations.filter(isHere)];
  const area = areaOf(figure, axes, outer);
  return { traces, lines, notes, area, place: scalesOf(figure, axes, area, { traces, lines }) };
}

/** Distance from an axis to the middle of its name, beyond the numbers. */
const nameOffset = ({ ticks }: Scale) =>
  Math.max(46, 26 + 7.5 * Math.max(0, ...ticks.map(({ label }) => label.length)));

/** Where the panels begin: names of axes at the edge have room beside their numbers. */
function leftOf(figure: Figure, pairs: readonly Axes[], outer: Area): number {
  const atEdge = pairs.filter(([xId]) => (axisOf(figure, xId).domain?.[0] ?? 0) === 0);
  const offsets = atEdge.map((axes) => nameOffset(contentOf(figure, axes, outer).place.y));
  return Math.max(outer.left, ...offsets.map((offset) => offset + 15));
}

/** One pair of axes with everything that is drawn against it. */
function panel(figure: Figure, axes: Axes, outer: Area): string {
  const { traces, lines, notes, area, place } = contentOf(figure, axes, outer);
  const bars = traces.filter(({ type }) => type === 'bar');
  const marks = traces.map((trace) => {
    const turn = [bars.indexOf(trace), bars.length] as const;
    const drawn = marksOf(trace, place, colourOf(figure, trace), turn);
    return trace.opacity === undefined ? drawn : `<g opacity="${trace.opacity}">${drawn}</g>`;
  });
  return [
    frame(figure, axes, place, area, categories(traces)),
    ...lines.map((shape) => lineMark(shape, place, area)),
    ...marks,
    ...notes.map((note) => noteMark(note, place, area)),
  ].join('');
}

/** The part of the figure that the axes' domains leave to their panel. */
function areaOf(figure: Figure, [xId, yId]: Axes, { left, right, top, bottom }: Area): Area {
  const [x0, x1] = axisOf(figure, xId).domain ?? [0, 1];
  const [y0, y1] = axisOf(figure, yId).domain ?? [0, 1];
  const along = (from: number, to: number, share: number) => from + (to - from) * share;
  return {
    left: along(left, right, x0),
    right: along(left, right, x1),
    bottom: along(bottom, top, y0),
    top: along(bottom, top, y1),
  };
}

/** Scales that hold the traces, and lines at a height of their own. */
function scalesOf(
  figure: Figure,
  [xId, yId]: Axes,
  { left, right, top, bottom }: Area,
  { traces, lines }: { readonly traces: readonly Trace[]; readonly lines: readonly Line[] },
): Place {
  const has = (...types: readonly Trace['type'][]) =>
    traces.some(({ type }) => types.includes(type));
  const ends = lines.flatMap(({ y0, y1, yref = 'y' }) =>
    yref === 'paper' || yref.endsWith('domain') ? [] : [y0, y1],
  );
  const x = axisScale(axisOf(figure, xId), traces.flatMap(widths), [left, right], {
    room: 0,
    count: right - left < 400 ? 4 : 7,
  });
  const y = axisScale(axisOf(figure, yId), [...traces.flatMap(heights), ...ends], [bottom, top], {
    room: has('heatmap') ? 0 : 0.05,
    floor: has('bar', 'histogram') ? 0 : undefined,
    count: bottom - top < 160 ? 4 : 6,
  });
  return { x, y };
}

/** Whether something drawn against these references, of which one may be the paper, is in the panel of these axes. */
const belongs = (references: readonly string[], axes: Axes) =>
  references.every(
    (reference, i) => reference === 'paper' || reference.replace(' domain', '') === axes[i],
  ) && references.some((reference) => reference !== 'paper');

/** Names under the bars, where they are no numbers. */
function categories(traces: readonly Trace[]): readonly string[] | undefined {
  const bars = traces.find((trace) => trace.type === 'bar');
  return bars?.type === 'bar' ? bars.x.map(String) : undefined;
}

function widths(trace: Trace): readonly number[] {
  switch (trace.type) {
    case 'bar':
      return [-0.5, trace.x.length - 0.5];
    case 'histogram':
      return binned(trace).edges;
    case 'heatmap':
      return [-0.5, (trace.z[0]?.length ?? 1) - 0.5];
    default:
      return trace.x;
  }
}

function heights(trace: Trace): readonly number[] {
  switch (trace.type) {
    case 'histogram':
      return [0, ...binned(trace).counts];
    case 'heatmap':
      return [-0.5, trace.z.length - 0.5];
    default: {
      const array = trace.error_y?.array ?? [];
      const arrayminus = trace.error_y?.arrayminus ?? array;
      const ends = trace.y.flatMap((value, i) => [
        value + (array[i] ?? 0),
        value - (arrayminus[i] ?? 0),
      ]);
      return trace.type === 'bar' ? [0, ...ends] : ends;
    }
  }
}

function marksOf(
  trace: Trace,
  place: Place,
  colour: string,
  turn: readonly [number, number],
): string {
  switch (trace.type) {
    case 'bar':
      return barMarks(trace, place, colour, turn);
    case 'histogram':
      return histogramMarks(trace, place, colour);
    case 'heatmap':
      return heatmapMarks(trace, place);
    default:
      return scatterMarks(trace, place, colour);
  }
}

function frame(
  figure: Figure,
  [xId, yId]: Axes,
  { x, y }: Place,
  area: Area,
  names?: readonly string[],
): string {
  const { left, right, top, bottom } = area;
  const titles = [
    axisOf(figure, xId).title?.text ?? '',
    axisOf(figure, yId).title?.text ?? '',
  ] as const;
  const across = y.ticks.flatMap(({ at, label }) => [
    `<line x1="${left}" x2="${right}" y1="${y(at)}" y2="${y(at)}" stroke="#e5e5e5"/>`,
    words(left - 8, y(at) + 5, label, 'end'),
  ]);
  const below = names?.map((label, at) => ({ at, label })) ?? x.ticks;
  return [
    ...across,
    ...below.map(({ at, label }) => words(x(at), bottom + 20, label, 'middle')),
    `<line x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}" stroke="#888"/>`,
    words((left + right) / 2, bottom + 41, titles[0], 'middle'),
    `<g transform="translate(${(left - nameOffset(y)).toFixed(1)} ${((top + bottom) / 2).toFixed(1)}) rotate(-90)">${words(0, 0, titles[1], 'middle')}</g>`,
  ].join('');
}

/** A place on the axis, or a share of the panel. */
const resolve = (
  value: number,
  reference: string,
  scale: Scale,
  [from, to]: readonly [number, number],
) =>
  reference === 'paper' || reference.endsWith('domain') ? from + (to - from) * value : scale(value);

function lineMark(shape: Line, { x, y }: Place, { left, right, top, bottom }: Area): string {
  const { xref = 'x', yref = 'y', line = {} } = shape;
  const [x1, x2] = [shape.x0, shape.x1].map((value) => resolve(value, xref, x, [left, right]));
  const [y1, y2] = [shape.y0, shape.y1].map((value) => resolve(value, yref, y, [bottom, top]));
  return `<line x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}" stroke="${line.color ?? '#666'}" stroke-width="${line.width ?? 1}"${dashes(line.dash)}/>`;
}

const ANCHORS = { left: 'start', center: 'middle', right: 'end' } as const;
const SHIFTS = { bottom: -5, middle: 5, top: 16 } as const;

function noteMark(note: Annotation, { x, y }: Place, { left, right, top, bottom }: Area): string {
  const { xref = 'x', yref = 'y', xanchor = 'center', yanchor = 'middle' } = note;
  const at = [
    resolve(note.x, xref, x, [left, right]),
    resolve(note.y, yref, y, [bottom, top]),
  ] as const;
  return words(at[0], at[1] + SHIFTS[yanchor], note.text, ANCHORS[xanchor], ' fill="#555"');
}

function legend(figure: Figure, traces: readonly Trace[], y: number): string {
  let x = MARGIN.left;
  const entries = traces.map((trace) => {
    const colour = colourOf(figure, trace);
    const key = `<line x1="${x}" x2="${x + 22}" y1="${y - 5}" y2="${y - 5}" stroke="${colour}" stroke-width="4"/>`;
    const entry = key + words(x + 28, y, trace.name ?? '', 'start');
    x += 52 + (trace.name ?? '').length * 7.6;
    return entry;
  });
  return entries.join('');
}
