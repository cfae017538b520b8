/** Curves over steps: interactive in the notebook, with a picture and numbers wherever it is not. */
import sharp from 'sharp';
import { linePlotSvg } from './line-plot-svg';
import { DISPLAY, type Displayable } from './notebook';
import { ensureFont, formatNumber } from './text';

export interface Series {
  readonly name: string;
  readonly y: readonly number[];
  /** @default 1, 2, 3, … */
  readonly x?: readonly number[];
}

/** A horizontal line to compare with, such as ln 2 or a ceiling. */
export interface Level {
  readonly y: number;
  readonly label: string;
}

export interface LinePlotOptions {
  readonly title?: string;
  /** @default step */
  readonly xLabel?: string;
  readonly yLabel?: string;
  readonly levels?: readonly Level[];
  /** Draws a mean over this many points in full and the points themselves faintly. @default 1 */
  readonly smooth?: number;
}

/** A curve ready to draw: colour chosen, smoothed where asked. */
export interface Curve {
  readonly name: string;
  readonly colour: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly raw: readonly number[] | undefined;
}

/** Okabe and Ito's colours, told apart by colour-blind readers too. */
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'] as const;

export interface LinePlot extends Displayable {
  svg(): string;
}

/** @throws RangeError when a series has no points or `x` and `y` differ in length. */
export function linePlot(series: readonly Series[], options: LinePlotOptions = {}): LinePlot {
  const { smooth = 1, title = '' } = options;
  const curves = series.map(({ name, y, x = y.map((_, i) => i + 1) }, i): Curve => {
    if (y.length === 0 || x.length !== y.length) {
      throw new RangeError(`Curve "${name}" has ${x.length} x and ${y.length} y values.`);
    }
    const colour = COLOURS[i % COLOURS.length] ?? COLOURS[0];
    return { name, colour, x, y: movingMean(y, smooth), raw: smooth > 1 ? y : undefined };
  });
  const svg = () => linePlotSvg(curves, options);
  return {
    svg,
    [DISPLAY]: async () => {
      await ensureFont();
      const png = await sharp(Buffer.from(svg())).png({ compressionLevel: 9 }).toBuffer();
      return {
        'application/vnd.plotly.v1+json': plotlyFigure(curves, options),
        'image/png': png.toString('base64'),
        'text/plain': [title, ...series.map(describe)].filter((line) => line !== '').join('\n'),
      };
    },
  };
}

/** Mean of each value and those before it, at most `window` in all. */
function movingMean(values: readonly number[], window: number): number[] {
  return values.map((_, i) => {
    const part = values.slice(Math.max(0, i + 1 - window), i + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

function describe({ name, y }: Series): string {
  const [first = Number.NaN] = y;
  const last = y.at(-1) ?? Number.NaN;
  const range = `${formatNumber(Math.min(...y))} to ${formatNumber(Math.max(...y))}`;
  return `${name}: ${y.length} points, first ${formatNumber(first)}, last ${formatNumber(last)}, range ${range}`;
}

/** Numbers of a figure need no sixteen digits; a saved notebook is a third of the size. */
const short = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(5)));

/** Within the schema that plotly.js 3 and 4 share. */
function plotlyFigure(curves: readonly Curve[], options: LinePlotOptions): object {
  const { title, xLabel = 'step', yLabel, levels = [] } = options;
  const data = curves.flatMap(({ name, colour, x, y, raw }) => {
    const base = { type: 'scatter', mode: 'lines', x: short(x), legendgroup: name };
    const faint = { ...base, y: short(raw ?? []), line: { color: colour, width: 1 }, opacity: 0.3 };
    const hidden = { showlegend: false, hoverinfo: 'skip' };
    const full = { ...base, name, y: short(y), line: { color: colour, width: 2 } };
    return raw === undefined ? [full] : [{ ...faint, ...hidden }, full];
  });
  const axis = { gridcolor: '#e5e5e5', zerolinecolor: '#cccccc', linecolor: '#888888' };
  const layout = {
    height: 380,
    margin: { t: title === undefined ? 36 : 72, r: 24, b: 48, l: 64 },
    paper_bgcolor: '#ffffff',
    plot_bgcolor: '#ffffff',
    font: { color: '#222222' },
    hovermode: 'x unified',
    showlegend: curves.length > 1,
    legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom' },
    ...(title === undefined ? {} : { title: { text: title } }),
    xaxis: { ...axis, title: { text: xLabel } },
    yaxis: { ...axis, ...(yLabel === undefined ? {} : { title: { text: yLabel } }) },
    shapes: levels.map(({ y }) => ({
      type: 'line',
      ...{ xref: 'paper', x0: 0, x1: 1, y0: y, y1: y },
      line: { color: '#666666', width: 1, dash: 'dash' },
    })),
    annotations: levels.map(({ y, label }) => ({
      ...{ xref: 'paper', x: 1, xanchor: 'right', y, yanchor: 'bottom', text: label },
      showarrow: false,
    })),
  };
  return { data, layout, config: { displaylogo: false, responsive: true } };
}
