/** A table, readable as a page and as text; in a page whose scripts run, a click on a heading sorts it. */
import { DISPLAY, type Displayable } from './notebook';
import { SORTING } from './scripts';
import { escapeHtml, formatNumber } from './text';
import { heading, remark } from './theme';

/** `undefined` is shown as an empty cell. */
export type TableCell = string | number | boolean | undefined;

/** One row: its cells by column name. Columns come in order of first appearance. */
export type TableRow = { readonly [column: string]: TableCell };

export interface TableOptions {
  readonly title?: string;
  /** More rows are counted and not shown: the file has to stay small. @default 500 */
  readonly most?: number;
}

/** Numbers are shortened to four significant digits and set right; they are sorted by what they were. */
export function table(
  all: readonly TableRow[],
  { title, most = 500 }: TableOptions = {},
): Displayable {
  const rows = all.slice(0, most);
  const rest = all.length > most ? `${most} of ${all.length} rows` : undefined;
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const text = rows.map((row) => columns.map((column) => cellText(row[column])));
  const isNumeric = columns.map((column) =>
    rows.every((row) => row[column] === undefined || typeof row[column] === 'number'),
  );
  return {
    [DISPLAY]: () => ({
      'text/html': [
        title === undefined ? '' : heading(title),
        tableHtml(columns, rows, isNumeric),
        rest === undefined ? '' : remark(rest),
        rows.length > 1 ? SORTING : '',
      ].join(''),
      'text/plain': [
        ...(title === undefined ? [] : [title]),
        tableText(columns, text, isNumeric),
        ...(rest === undefined ? [] : [rest]),
      ].join('\n'),
    }),
  };
}

function cellText(cell: TableCell): string {
  if (cell === undefined) return '';
  return typeof cell === 'number' ? formatNumber(cell) : String(cell);
}

type Grid = readonly (readonly string[])[];

function tableHtml(
  columns: readonly string[],
  rows: readonly TableRow[],
  isNumeric: readonly boolean[],
): string {
  const align = (column: number) => `style="text-align:${isNumeric[column] ? 'right' : 'left'}"`;
  const head = columns.map((name, i) => `<th ${align(i)}>${escapeHtml(name)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = columns.map((column, i) => {
      const cell = row[column];
      const exact = isNumeric[i] && cell !== undefined ? ` data-value="${cell}"` : '';
      return `<td ${align(i)}${exact}>${escapeHtml(cellText(cell))}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<table class="dpo-sortable"><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

function tableText(columns: readonly string[], rows: Grid, isNumeric: readonly boolean[]): string {
  const widths = columns.map((name, i) =>
    Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) =>
        isNumeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(columns), rule, ...rows.map(line)].join('\n');
}
