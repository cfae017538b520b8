/** Figures: interactive where plotly is, a picture where it is not, and numbers everywhere. */
import sharp from 'sharp';
import type { Figure, Trace } from './figure';
import { extent } from './figure-scale';
import { figureSvg, titleLines } from './figure-svg';
import { liveDisplay } from './live';
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';
import { ensureFont, formatNumber } from './text';
import { COLOURS } from './theme';
import { thinned } from './thinned';

export interface Plot extends Displayable {
  readonly figure: Figure;
  /** The static twin. */
  svg(): string;
  png(): Promise<Uint8Array>;
}

export interface PlotOptions {
  /** What stands where neither the figure nor its picture is seen. @default title, and the range of each trace */
  readonly text?: string;
}

/**
 * A figure of plotly.js. Curves of more points than a screen has are thinned, their highest and lowest kept.
 * Throws RangeError where a trace has other numbers of x and y, or no values.
 */
export function plot(figure: Figure, { text }: PlotOptions = {}): Plot {
  for (const trace of figure.data) checkTrace(trace);
  const drawn = { ...figure, data: figure.data.map(thinnedTrace) };
  const svg = () => figureSvg(drawn);
  const png = async () => {
    await ensureFont();
    // Few colours and no dither, so that it is small in the file.
    const picture = sharp(Buffer.from(svg()));
    const colours = figure.data.some(({ type }) => type === 'heatmap') ? 256 : 16;
    return picture.png({ palette: true, colours, dither: 0, compressionLevel: 9 }).toBuffer();
  };
  return {
    figure,
    svg,
    png,
    [DISPLAY]: async () => ({
      'application/vnd.plotly.v1+json': plotlyFigure(drawn),
      'image/png': Buffer.from(await png()).toString('base64'),
      'text/plain': text ?? figureText(figure),
    }),
  };
}

export interface LivePlot {
  /** Shown at most four times a second, as a plain picture: plotly's renderer ignores updates (plotly.py#3053). */
  update(figure: Figure): void;
  /** Shows the last figure, or this one, for good: interactive, with picture and numbers. */
  finish(figure?: Figure): Promise<void>;
}

/** A figure that grows under one cell. */
export function livePlot(): LivePlot {
  const live = liveDisplay();
  let last: Figure | undefined;
  return {
    update: (figure) => {
      last = figure;
      live.update(() => liveBundle(figure));
    },
    finish: async (figure = last) => {
      if (figure) live.finish(await plot(figure)[DISPLAY]());
    },
  };
}

export function liveBundle(figure: Figure): MimeBundle {
  const svg = plot(figure).svg();
  return { 'image/svg+xml': svg, 'text/plain': figureText(figure) };
}

function checkTrace(trace: Trace): void {
  const name = trace.name ?? trace.type;
  if (trace.type === 'heatmap' || trace.type === 'histogram') {
    const count = trace.type === 'heatmap' ? trace.z.flat().length : trace.x.length;
    if (count === 0) throw new RangeError(`Trace "${name}" has no values.`);
    return;
  }
  const { x, y } = trace;
  if (y.length === 0 || x.length !== y.length)
    throw new RangeError(`Curve "${name}" has ${x.length} x and ${y.length} y values.`);
}

/** Numbers of a figure need no sixteen digits; a saved notebook is a third of the size. */
const short = (values: readonly number[]) =>
  values.map((value) => (Number.isInteger(value) ? value : Number(value.toPrecision(5))));

function thinnedTrace(trace: Trace): Trace {
  switch (trace.type) {
    case 'heatmap':
      return { ...trace, z: trace.z.map(short) };
    case 'histogram':
      return { ...trace, x: short(trace.x) };
    case 'bar':
      return { ...trace, y: short(trace.y) };
    default: {
      if (trace.error_y) return { ...trace, x: short(trace.x), y: short(trace.y) };
      const { x, y } = thinned(trace.x, trace.y);
      return { ...trace, x: short(x), y: short(y) };
    }
  }
}

function figureText({ data, layout = {} }: Figure): string {
  const lines = data
    .filter(({ hoverinfo }) => hoverinfo !== 'skip')
    .map((trace) => `${trace.name ?? trace.type}: ${valuesText(trace)}`);
  return [...(layout.title ? [layout.title.text] : []), ...lines].join('\n');
}

export function valuesText(trace: Trace): string {
  if (trace.type === 'bar')
    return trace.x
      .map((at, i) => `${at} ${formatNumber(trace.y[i] ?? Number.NaN)}`)
      .slice(0, 20)
      .join(', ');
  const y =
    trace.type === 'heatmap' ? trace.z.flat() : trace.type === 'histogram' ? trace.x : trace.y;
  const [low, high] = extent(y);
  const range = `range ${formatNumber(low)} to ${formatNumber(high)}`;
  if (trace.type !== 'scatter') return `${y.length} values, ${range}`;
  const [first = Number.NaN, last = Number.NaN] = [y[0], y.at(-1)];
  return `${y.length} points, first ${formatNumber(first)}, last ${formatNumber(last)}, ${range}`;
}

/** With the looks that the static twin has, white in every theme. */
function plotlyFigure({ data, layout = {} }: Figure): object {
  const { title, height = 400 } = layout;
  const lines = titleLines(title?.text);
  const legend =
    layout.showlegend ??
    data.filter(({ name, showlegend = true }) => name !== undefined && showlegend).length > 1;
  const look = { gridcolor: '#e5e5e5', zerolinecolor: '#cccccc', linecolor: '#888888' };
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis\d?$/.test(name));
  const styled = Object.fromEntries(
    axes.map(([name, axis]) => [name, { ...look, ...(axis as object) }]),
  );
  return {
    data,
    layout: {
      height,
      margin: { t: 28 + 24 * lines.length + (legend ? 24 : 0), r: 22, b: 54, l: 76 },
      paper_bgcolor: '#ffffff',
      plot_bgcolor: '#ffffff',
      font: { color: '#222222', size: 14 },
      colorway: COLOURS,
      hovermode: 'x unified',
      showlegend: legend,
      legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom' },
      xaxis: look,
      yaxis: look,
      ...layout,
      ...(title ? { title: { text: lines.join('<br>') } } : {}),
      ...styled,
    },
    config: { displaylogo: false, responsive: true },
  };
}
