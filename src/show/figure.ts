/** The part of plotly.js's figures that is drawn here too, within the schema that its versions 3 and 4 share. */

type Numbers = readonly number[];
type Text = { readonly text: string };

interface TraceBase {
  readonly name?: string;
  readonly opacity?: number;
  readonly showlegend?: boolean;
  readonly hoverinfo?: 'skip' | 'all';
  /** Traces of one group are shown and hidden together. */
  readonly legendgroup?: string;
  /** `x2`: drawn against `layout.xaxis2`. @default x */
  readonly xaxis?: string;
  /** @default y */
  readonly yaxis?: string;
}

interface ErrorBars {
  readonly type: 'data';
  readonly array: Numbers;
  /** Below the value. @default as above */
  readonly arrayminus?: Numbers;
}

export interface Scatter extends TraceBase {
  readonly type: 'scatter';
  /** @default lines */
  readonly mode?: 'lines' | 'markers' | 'lines+markers';
  readonly x: Numbers;
  /** A value that is not finite breaks the line. */
  readonly y: Numbers;
  readonly line?: {
    readonly color?: string;
    readonly width?: number;
    readonly dash?: 'dash' | 'dot' | 'solid';
  };
  readonly marker?: { readonly color?: string; readonly size?: number };
  readonly error_y?: ErrorBars;
}

export interface Bar extends TraceBase {
  readonly type: 'bar';
  readonly x: readonly (number | string)[];
  readonly y: Numbers;
  readonly marker?: { readonly color?: string };
  readonly error_y?: ErrorBars;
}

export interface Histogram extends TraceBase {
  readonly type: 'histogram';
  readonly x: Numbers;
  readonly nbinsx?: number;
  readonly marker?: { readonly color?: string };
}

export interface Heatmap extends TraceBase {
  readonly type: 'heatmap';
  /** Rows, the first at the bottom unless the axis is reversed. */
  readonly z: readonly Numbers[];
  readonly zmin?: number;
  readonly zmax?: number;
}

export type Trace = Scatter | Bar | Histogram | Heatmap;

export interface Axis {
  /** With its unit: `memory, MB`. */
  readonly title?: Text;
  /** @default linear */
  readonly type?: 'linear' | 'log';
  /** On a log axis, powers of ten. @default what holds the data */
  readonly range?: readonly [number, number];
  /** Share of the figure that the axis takes. @default [0, 1] */
  readonly domain?: readonly [number, number];
  /** The axis it stands at, `y2` for `xaxis2`. */
  readonly anchor?: string;
  readonly autorange?: true | 'reversed';
}

/** A straight line; `paper` is a share of the axis' own length. */
export interface Line {
  readonly type: 'line';
  readonly xref?: string;
  readonly yref?: string;
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
  readonly line?: {
    readonly color?: string;
    readonly width?: number;
    readonly dash?: 'dash' | 'dot' | 'solid';
  };
}

/** Words at a place, without an arrow. */
export interface Annotation {
  readonly text: string;
  readonly xref?: string;
  readonly yref?: string;
  readonly x: number;
  readonly y: number;
  readonly xanchor?: 'left' | 'center' | 'right';
  readonly yanchor?: 'top' | 'middle' | 'bottom';
  readonly showarrow: false;
}

type AxisName = `${'x' | 'y'}axis${'' | 2 | 3 | 4 | 5 | 6}`;

export type Layout = {
  /** What the figure shows, said as a finding. */
  readonly title?: Text;
  /** @default 400 */
  readonly height?: number;
  /** @default where there is more than one name */
  readonly showlegend?: boolean;
  readonly shapes?: readonly Line[];
  readonly annotations?: readonly Annotation[];
} & { readonly [name in AxisName]?: Axis };

export interface Figure {
  readonly data: readonly Trace[];
  readonly layout?: Layout;
}

/** The axis that a trace or a shape names: `x2` → `layout.xaxis2`. */
export function axisOf({ layout = {} }: Figure, id: string): Axis {
  return layout[`${id[0]}axis${id.slice(1)}` as AxisName] ?? {};
}
