/** Parquet files that are not all on this disk: what a request reads is brought before it is made. */
import { open } from 'node:fs/promises';
import type { ParquetGuard, ParquetRequest } from './parquet-guard';

/** A file that comes in parts. */
export interface ByteSource {
  readonly size: number;
  /** Makes bytes `from`…`to` − 1 be at their place in the file. */
  ensure(from: number, to: number): Promise<void>;
}

interface Known {
  readonly source: ByteSource;
  footer?: Promise<void>;
}

const sources = new Map<string, Known>();

/** From now on, what is read of the file at `path` comes from `source` first. */
export function readThrough(path: string, source: ByteSource): void {
  sources.set(path, { source });
}

/** Brings what a request is about to read. */
export async function bring(request: ParquetRequest, guard: ParquetGuard): Promise<void> {
  const { path, column, rowGroup, wanted } = request;
  const known = sources.get(path);
  if (!known || wanted === 'extent') return;
  const { source } = known;
  if (typeof wanted === 'object') return source.ensure(wanted.from, wanted.to);
  known.footer ??= bringFooter(path, source);
  await known.footer.catch((error: unknown) => {
    delete known.footer; // the next request tries again
    throw error;
  });
  if (column === undefined || rowGroup === undefined) return;
  const { from, to } = (await guard.ask({ path, column, rowGroup, wanted: 'extent' })) as {
    readonly from: number;
    readonly to: number;
  };
  await source.ensure(from, to);
}

/** hyparquet reads this much first, and more where the footer is longer. */
const FOOTER_GUESS = 65_536;

async function bringFooter(path: string, source: ByteSource): Promise<void> {
  const { size } = source;
  await source.ensure(size - FOOTER_GUESS, size);
  const length = Buffer.alloc(4);
  const handle = await open(path, 'r');
  try {
    await handle.read(length, 0, 4, Math.max(0, size - 8));
  } finally {
    await handle.close();
  }
  const footer = length.readUInt32LE() + 8;
  if (footer > FOOTER_GUESS) await source.ensure(size - footer, size);
}
