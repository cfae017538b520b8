/** A small table, readable as a page and as text. */
import { DISPLAY, type Displayable } from './notebook';
import { escapeHtml, formatNumber } from './text';

/** `undefined` is shown as an empty cell. */
export type TableCell = string | number | boolean | undefined;

/** One row: its cells by column name. Columns come in order of first appearance. */
export type TableRow = { readonly [column: string]: TableCell };

/** Numbers are shortened to four significant digits and set right. */
export function table(
  rows: readonly TableRow[],
  { title }: { readonly title?: string } = {},
): Displayable {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const text = rows.map((row) => columns.map((column) => cellText(row[column])));
  const isNumeric = columns.map((column) =>
    rows.every((row) => row[column] === undefined || typeof row[column] === 'number'),
  );
  return {
    [DISPLAY]: () => ({
      'text/html': tableHtml(columns, text, isNumeric, title),
      'text/plain': tableText(columns, text, isNumeric, title),
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
  rows: Grid,
  isNumeric: readonly boolean[],
  title: string | undefined,
): string {
  const align = (column: number) => `style="text-align:${isNumeric[column] ? 'right' : 'left'}"`;
  const head = columns.map((name, i) => `<th ${align(i)}>${escapeHtml(name)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => `<td ${align(i)}>${escapeHtml(cell)}</td>`).join('');
    return `<tr>${cells}</tr>`;
  });
  const caption = title === undefined ? '' : `<p><b>${escapeHtml(title)}</b></p>`;
  const parts = `<thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody>`;
  return `${caption}<table>${parts}</table>`;
}

function tableText(
  columns: readonly string[],
  rows: Grid,
  isNumeric: readonly boolean[],
  title: string | undefined,
): string {
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
  const heading = title === undefined ? [] : [title];
  return [...heading, line(columns), rule, ...rows.map(line)].join('\n');
}
