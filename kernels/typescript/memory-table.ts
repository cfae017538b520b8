/** The table that `memory()` shows in a notebook. */
import type { MimeBundle } from './output';
import { DISPLAY } from './rich-value';
import type { Amount } from './tensor-count';

/** A variable with the tensors it holds; one that several hold is counted at the first of them. */
export interface Holder extends Amount {
  readonly name: string;
  /** `float32 [4, 8]` of each of its tensors. */
  readonly shapes: readonly string[];
}

const SHAPES = 3;

/** Which variable holds how much, in order of size, then what no variable holds, and the whole process. */
export class MemoryTable {
  readonly variables: readonly Holder[];
  /** All live tensors of the engine and of tfjs. */
  readonly alive: Amount;
  /** Bytes of the process that are in memory. */
  readonly resident = process.memoryUsage.rss();

  constructor(holders: readonly Holder[], alive: Amount) {
    this.variables = [...holders].sort((a, b) => b.bytes - a.bytes);
    this.alive = alive;
  }

  [DISPLAY](): MimeBundle {
    const rows = this.#rows();
    const cells = (row: readonly string[], tag: string) =>
      `<tr>${row.map((text) => `<${tag}>${inHtml(text)}</${tag}>`).join('')}</tr>`;
    const body = rows.map((row) => cells(row, 'td')).join('\n');
    const widths = HEAD.map((head, i) =>
      Math.max(head.length, ...rows.map((r) => (r[i] ?? '').length)),
    );
    const line = (row: readonly string[]) =>
      row
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd();
    return {
      'text/html': `<table>\n<thead>${cells(HEAD, 'th')}</thead>\n<tbody>\n${body}\n</tbody>\n</table>`,
      'text/plain': [line(HEAD), ...rows.map(line)].join('\n'),
    };
  }

  #rows(): string[][] {
    const held = (of: 'tensors' | 'bytes') => this.variables.reduce((sum, row) => sum + row[of], 0);
    const { tensors, bytes } = this.alive;
    const rows = this.variables.map((row) => [
      row.name,
      String(row.tensors),
      megabytes(row.bytes),
      shapeList(row.shapes),
    ]);
    const others = [String(tensors - held('tensors')), megabytes(bytes - held('bytes'))];
    rows.push(['no variable', ...others, 'held by functions and modules, or lost']);
    rows.push(['all tensors', String(tensors), megabytes(bytes), '']);
    rows.push(['process', '', megabytes(this.resident), 'resident, all threads']);
    return rows;
  }
}

const HEAD = ['variable', 'tensors', 'MB', 'what'];

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

function shapeList(shapes: readonly string[]): string {
  const kinds = [...new Set(shapes)];
  const more = kinds.length > SHAPES ? ` and ${kinds.length - SHAPES} other shapes` : '';
  return `${kinds.slice(0, SHAPES).join(', ')}${more}`;
}

const inHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
