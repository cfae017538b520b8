/** Curves over steps: interactive in the notebook, with a picture and numbers wherever it is not. */
import type { Figure, Scatter } from './figure';
import { type Plot, plot, valuesText } from './plot';
import { COLOURS } from './theme';

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

/** A curve, and the points it is the mean of where it is smoothed. */
function traces(
  { name, y, x = y.map((_, i) => i + 1) }: Series,
  i: number,
  smooth: number,
): Scatter[] {
  const color = COLOURS[i % COLOURS.length] ?? '#000000';
  const base = { type: 'scatter', mode: 'lines', x, legendgroup: name } as const;
  const full: Scatter = { ...base, name, y: movingMean(y, smooth), line: { color, width: 2.5 } };
  if (smooth <= 1 || x.length !== y.length) return [full];
  const faint = { ...base, y, line: { color, width: 1 }, opacity: 0.3 };
  return [{ ...faint, showlegend: false, hoverinfo: 'skip' }, full];
}

/** The figure of some curves, to be put together with others. */
export function lineFigure(series: readonly Series[], options: LinePlotOptions = {}): Figure {
  const { title, xLabel = 'step', yLabel, levels = [], smooth = 1 } = options;
  return {
    data: series.flatMap((one, i) => traces(one, i, smooth)),
    layout: {
      ...(title === undefined ? {} : { title: { text: title } }),
      xaxis: { title: { text: xLabel } },
      yaxis: yLabel === undefined ? {} : { title: { text: yLabel } },
      showlegend: series.length > 1,
      shapes: levels.map(({ y }) => ({
        type: 'line',
        ...{ xref: 'paper', x0: 0, x1: 1, y0: y, y1: y },
        line: { color: '#666666', width: 1, dash: 'dash' },
      })),
      annotations: levels.map(({ y, label }) => ({
        ...{ xref: 'paper', x: 1, xanchor: 'right', y, yanchor: 'bottom', text: label },
        showarrow: false,
      })),
    },
  };
}

/** @throws RangeError when a series has no points or `x` and `y` differ in length. */
export function linePlot(series: readonly Series[], options: LinePlotOptions = {}): Plot {
  const { title = '' } = options;
  const lines = series.map(
    ({ name, y }) => `${name}: ${valuesText({ type: 'scatter', x: [], y })}`,
  );
  const text = [title, ...lines].filter((line) => line !== '').join('\n');
  return plot(lineFigure(series, options), { text });
}

/** Mean of each value and those before it, at most `window` in all. */
function movingMean(values: readonly number[], window: number): readonly number[] {
  if (window <= 1) return values;
  return values.map((_, i) => {
    const part = values.slice(Math.max(0, i + 1 - window), i + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
