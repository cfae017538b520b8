/**
 * Rows of a CSV file (RFC 4180): quoted cells may hold commas, line breaks and doubled quotes. All cells are text.
 *
 * @throws RangeError that names the line where a quote is out of place or never closed.
 */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|\r|$)/y; // quoted or plain, then what ends it
  let row: string[] = [];
  for (let from = text.startsWith('\ufeff') ? 1 : 0; ; from = cell.lastIndex) {
    cell.lastIndex = from;
    const found = cell.exec(text);
    if (!found) throw new RangeError(`line ${lineAt(text, from)} has a quote out of place`);
    const [, quoted, plain, end] = found;
    row.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '' || quoted !== undefined) rows.push(row);
    row = [];
    if (cell.lastIndex >= text.length) return rows;
  }
}

const lineAt = (text: string, index: number) => text.slice(0, index).split('\n').length;
