import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

/** Values by key in a file of JSON lines, which a process that is killed leaves whole but for its last line. */
export class LineCache<T> {
  private readonly values = new Map<string, T>();
  private readonly file: number;

  /** Opens the file, or begins it. @throws RangeError that names a line which is no entry */
  constructor(path: string) {
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const end = bytes.lastIndexOf(10) + 1;
    const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
    for (const [i, line] of lines.entries()) {
      const entry = entryOf<T>(line);
      if (!entry) throw new RangeError(`Line ${i + 1} of "${path}" is no entry; delete the file.`);
      this.values.set(...entry);
    }
    this.file = openSync(path, 'a');
    ftruncateSync(this.file, end);
  }

  get(key: string): T | undefined {
    return this.values.get(key);
  }

  /** Keeps values, on the disk as well. */
  add(entries: readonly (readonly [key: string, value: T])[]): void {
    for (const [key, value] of entries) this.values.set(key, value);
    writeSync(this.file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  }

  close(): void {
    closeSync(this.file);
  }
}

function entryOf<T>(line: string): [string, T] | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isEntry = Array.isArray(value) && value.length === 2 && typeof value[0] === 'string';
    return isEntry ? (value as [string, T]) : undefined;
  } catch {
    return undefined; // the caller says which line it is
  }
}
