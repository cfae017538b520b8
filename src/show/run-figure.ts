/** The curves of a training run in one figure: what the loss is made of, panel by panel. */
import type { Annotation, Axis, Figure, Line, Trace } from './figure';
import { formatNumber } from './text';
import { COLOURS } from './theme';

/** Figures of one step; those of `metrics.jsonl` and of a `StepRecord` are known by the names here. */
export type StepFigures = { readonly step: number };

interface Panel {
  readonly label: string;
  /** In a record, and in `metrics.jsonl`. */
  readonly names: readonly [string, string];
  readonly level?: { readonly y: number; readonly label: string };
}

const PANELS: readonly Panel[] = [
  { label: 'loss', names: ['loss', 'loss'], level: { y: Math.LN2, label: 'ln 2' } },
  {
    label: 'implicit accuracy',
    names: ['implicitAcc', 'implicit_acc'],
    level: { y: 0.5, label: 'chance' },
  },
  { label: 'margin', names: ['margin', 'margin'], level: { y: 0, label: '' } },
  { label: 'gradient norm', names: ['gradNorm', 'grad_norm'] },
];

/** A figure of each step under either of its names; NaN where a step does not have it. */
function columnOf(records: readonly StepFigures[], { names: [name, metric] }: Panel): number[] {
  return records.map((record) => {
    const figures: Readonly<Record<string, unknown>> = { ...record };
    const value = figures[name] ?? figures[metric];
    return typeof value === 'number' ? value : Number.NaN;
  });
}

/** Mean of the last tenth, at least of 1 and at most of 50 steps: what a curve has come to. */
export function settled(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite);
  const last = finite.slice(-Math.min(50, Math.max(1, Math.round(finite.length / 10))));
  return last.reduce((sum, value) => sum + value, 0) / last.length;
}

/** `Loss 0.693 → 0.412 in 200 steps, 83 % of the last pairs ranked as labelled`. */
export function runFinding(records: readonly StepFigures[]): string {
  const [loss = [], accuracy = []] = PANELS.map((panel) => columnOf(records, panel));
  const steps = records.at(-1)?.step ?? 0;
  const from = formatNumber(loss[0] ?? Number.NaN, 3);
  const fall = `Loss ${from} → ${formatNumber(settled(loss), 3)} in ${steps} steps`;
  const ranked = settled(accuracy);
  if (!Number.isFinite(ranked)) return fall;
  return `${fall}; ${formatNumber(100 * ranked, 3)} % of the last pairs ranked as labelled`;
}

/** Two panels in a row; only those of which something is known. Throws RangeError where there is no step. */
export function runFigure(
  records: readonly StepFigures[],
  { title = runFinding(records) }: { readonly title?: string } = {},
): Figure {
  if (records.length === 0) throw new RangeError('A run without steps has no curves.');
  const known = PANELS.filter((panel) => columnOf(records, panel).some(Number.isFinite));
  const rows = Math.ceil(known.length / 2);
  const panels = known.map((panel, i) => panelOf(records, panel, i, rows));
  return {
    data: panels.flatMap(({ data }) => data),
    layout: {
      title: { text: title },
      height: 130 + 190 * rows,
      showlegend: false,
      shapes: panels.flatMap(({ shapes }) => shapes),
      annotations: panels.flatMap(({ annotations }) => annotations),
      ...Object.assign({}, ...panels.map(({ axes }) => axes)),
    },
  };
}

/** Space between panels, as a share of the figure. */
const GAP = { x: 0.14, y: 0.16 } as const;

/** Panel `i` of a figure of `rows` rows. */
function panelOf(records: readonly StepFigures[], panel: Panel, i: number, rows: number) {
  const number = i === 0 ? '' : String(i + 1);
  const [xaxis, yaxis] = [`x${number}`, `y${number}`];
  const [column, row] = [i % 2, Math.floor(i / 2)];
  const tall = (1 - GAP.y * (rows - 1)) / rows;
  const high = 1 - row * (tall + GAP.y);
  const axes: Readonly<Record<string, Axis>> = {
    [`xaxis${number}`]: {
      domain: column === 0 ? [0, 0.5 - GAP.x / 2] : [0.5 + GAP.x / 2, 1],
      anchor: yaxis,
      title: { text: row === rows - 1 ? 'step' : '' },
    },
    [`yaxis${number}`]: {
      domain: [Math.max(0, high - tall), high],
      anchor: xaxis,
      title: { text: panel.label },
    },
  };
  return {
    axes,
    data: tracesOf(records, panel, { xaxis, yaxis, color: COLOURS[i] ?? '#000000' }),
    ...levelOf(panel, `${xaxis} domain`, yaxis),
  };
}

function tracesOf(
  records: readonly StepFigures[],
  panel: Panel,
  { color, ...axes }: { readonly xaxis: string; readonly yaxis: string; readonly color: string },
): Trace[] {
  const y = columnOf(records, panel);
  const base = { type: 'scatter', x: records.map(({ step }) => step), showlegend: false } as const;
  const named = { ...base, ...axes, name: panel.label, line: { color, width: 2.5 } };
  if (records.length <= 30) return [{ ...named, y }];
  const faint = { ...base, ...axes, y, line: { color, width: 1 }, opacity: 0.35 };
  return [
    { ...faint, hoverinfo: 'skip' },
    { ...named, y: smoothed(y) },
  ];
}

/** The line that a panel's values are judged by. */
function levelOf({ level }: Panel, xref: string, yref: string) {
  const shapes: Line[] = [];
  const annotations: Annotation[] = [];
  if (level) {
    const { y, label } = level;
    const line = { color: '#666666', width: 1, dash: 'dash' } as const;
    shapes.push({ type: 'line', xref, yref, x0: 0, x1: 1, y0: y, y1: y, line });
    const place = { xref, x: 1, xanchor: 'right', yref, y, yanchor: 'bottom' } as const;
    if (label !== '') annotations.push({ ...place, text: label, showarrow: false });
  }
  return { shapes, annotations };
}

/** Mean over a thirtieth of the run; what is no number is left out of it. */
function smoothed(values: readonly number[]): number[] {
  const window = Math.max(2, Math.round(values.length / 30));
  let [sum, count] = [0, 0];
  return values.map((value, i) => {
    const out = values[i - window];
    if (Number.isFinite(value)) [sum, count] = [sum + value, count + 1];
    if (out !== undefined && Number.isFinite(out)) [sum, count] = [sum - out, count - 1];
    return count === 0 ? Number.NaN : sum / count;
  });
}
