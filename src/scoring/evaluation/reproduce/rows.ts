/** A table or figure of the paper with ours beside it. */
import type { Estimate } from '../bca';

export const REPRODUCTIONS = ['table2', 's2', 's4', 'fig6'] as const;
export type ReproductionName = (typeof REPRODUCTIONS)[number];

/** One number of the paper, and ours where it could be computed. */
export interface ReproducedRow {
  readonly what: string;
  /** As printed there; missing where the paper has no such row, or no digits. */
  readonly paper?: string;
  readonly ours?: Estimate;
  /** How `ours` is written. @default percent */
  readonly unit?: 'percent' | 'draws';
  /** What would have to be downloaded for it. */
  readonly needs?: string;
  /** What it was computed with. */
  readonly note?: string;
}

export interface Reproduction {
  readonly name: ReproductionName;
  readonly title: string;
  readonly rows: readonly ReproducedRow[];
  /** What a reader has to know. */
  readonly notes: readonly string[];
}

/** Columns: what, paper, ours with interval and n, or what it needs. */
export function reproductionText({ title, rows, notes }: Reproduction): string[] {
  const cells = rows.map(({ what, paper = '', ours, unit, needs, note }) => [
    what,
    paper,
    ours ? oursText(ours, unit) : needs === undefined ? '' : `needs these downloads: ${needs}`,
    note ?? '',
  ]);
  const table = [['', 'paper', 'ours', ''], ...cells];
  const width = (column: number) => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const lines = table.map(([what = '', paper = '', ours = '', note = '']) =>
    [what.padEnd(width(0)), paper.padEnd(width(1)), ours, note].join('  ').trimEnd(),
  );
  return [title, '', ...lines, '', ...notes];
}

function oursText({ value, low, high, n }: Estimate, unit: ReproducedRow['unit'] = 'percent') {
  const shown = (x: number) => (unit === 'percent' ? (100 * x).toFixed(1) : x.toFixed(1));
  return `${shown(value)}${unit === 'percent' ? ' %' : ''} (${shown(low)}–${shown(high)}, n = ${n})`;
}
