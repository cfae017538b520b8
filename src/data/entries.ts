/** Rows of a text file, JSON lines or CSV, as objects. */
import { readFileSync, statSync } from 'node:fs';
import { parseCsv } from './csv';

export type Entry = Readonly<Record<string, unknown>>;

/** A larger file is refused unread. */
const MAX_BYTES = 2 ** 28;

/** @throws RangeError that names the file, and the row that is malformed. */
export function readEntries(path: string): Entry[] {
  const { size } = statSync(path);
  if (size > MAX_BYTES)
    throw new RangeError(`"${path}" has ${size} bytes; at most ${MAX_BYTES} are read.`);
  const text = readFileSync(path, 'utf8');
  try {
    return path.endsWith('.csv') ? csvEntries(text) : jsonEntries(text);
  } catch (error) {
    throw new RangeError(`"${path}": ${error instanceof Error ? error.message : error}.`);
  }
}

/** An empty cell is nothing, as pandas reads it; words like `NA` stay words. */
function csvEntries(text: string): Entry[] {
  const [names = [], ...rows] = parseCsv(text);
  return rows.map((cells, i) => {
    if (cells.length === names.length)
      return record(names.map((name, k) => [name, cells[k] || undefined]));
    throw new RangeError(`row ${i} has ${cells.length} cells under ${names.length} names`);
  });
}

function jsonEntries(text: string): Entry[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) => {
    const value: unknown = JSON.parse(line);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      return record(Object.entries(value));
    }
    throw new RangeError(`row ${i} is not an object`);
  });
}

/** Without a prototype, so that a key named like one of its members is a key. */
export function record<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  const empty = Object.create(null) as Record<string, T>;
  for (const [key, value] of entries) empty[key] = value;
  return empty;
}
