/**
 * The text of a notebook's file, byte for byte as nbformat writes it: where JupyterLab saves a notebook that was written
 * here, git shows what a person changed and nothing else. Upstream: nbformat 5.11, v4/rwbase.py and v4/nbjson.py.
 */
import type { CellOutput, Json, Notebook } from './notebook-file';

export function notebookText(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: lines(cell.source),
    ...(cell.cell_type === 'code' ? { outputs: cell.outputs.map(splitOutput) } : {}),
  }));
  return `${jsonText({ ...notebook, cells }, '\n')}\n`;
}

/** Where Python's `str.splitlines` ends a line, but for ASCII's separators 28 to 30, which no text has. */
const LINE_END = /(?<=[\n\v\f\x85\u2028\u2029]|\r(?!\n))/;

/** Text as a list of lines, so that a change of one line is a change of one line in git. */
function lines(text: string): string[] {
  return text.split(LINE_END).filter((line) => line !== '');
}

const isSplit = (mime: string) =>
  mime.startsWith('text/') || mime === 'application/javascript' || mime === 'image/svg+xml';

function splitOutput(output: CellOutput): Json {
  if (output.output_type === 'stream') return { ...output, text: lines(output.text) };
  if (output.output_type === 'error') return { ...output };
  const data = Object.entries(output.data).map(([mime, value]) => [
    mime,
    typeof value === 'string' && isSplit(mime) ? lines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

/** JSON with sorted keys and an indent of one space. `newline`: a line end and the indent of the value itself. */
function jsonText(value: unknown, newline: string): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${newline} `;
  const list = (open: string, items: readonly string[], close: string) =>
    items.length === 0
      ? open + close
      : `${open}${inner}${items.join(`,${inner}`)}${newline}${close}`;
  if (Array.isArray(value))
    return list(
      '[',
      value.map((item) => jsonText(item, inner)),
      ']',
    );
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}: ${jsonText(member, inner)}`);
  return list('{', members, '}');
}

/** Python writes an exponent for a number below 1e-4, and with two digits at least. */
function numberText(value: number): string {
  const isSmall = value !== 0 && Math.abs(value) < 1e-4;
  return (isSmall ? value.toExponential() : JSON.stringify(value)).replace(/(?<=e[+-])\d$/, '0$&');
}
