/** Rows with a damaged picture: skipped, counted and named, up to 1 % of the data. */
import { PictureError } from './image';

/** More than this share of damaged rows ends a run. */
export const DAMAGED_SHARE = 0.01;

/**
 * A damaged row is replaced as though the next sound row of the data (after the last comes the first) stood in its
 * place too: batches keep their size, and nothing is drawn more or less often than for such data.
 */
export class DamagedRows {
  private readonly found = new Map<number, string>();

  /** @param rows how many there are; @param known what was found earlier. */
  constructor(
    private readonly rows: number,
    known: readonly (readonly [row: number, message: string])[] = [],
  ) {
    for (const [row, message] of known) this.found.set(row, message);
  }

  /** Row and message of each, in the order they were found. */
  entries(): [row: number, message: string][] {
    return [...this.found];
  }

  /** The row itself, or the one in its place. */
  sound(row: number): number {
    let next = row;
    while (this.found.has(next)) next = (next + 1) % this.rows;
    return next;
  }

  /**
   * Notes a row whose picture could not be read.
   *
   * @throws the error itself, if it is another one
   * @throws PictureError that names the rows, if there are too many
   */
  add(row: number, error: unknown): void {
    if (!(error instanceof PictureError)) throw error;
    if (this.found.has(row)) return; // its other picture
    this.found.set(row, error.message);
    const { size } = this.found;
    if (size <= DAMAGED_SHARE * this.rows) return;
    const named = [...this.found.values()].slice(0, 10).join(' ');
    const more = size > 10 ? ` (and ${size - 10} more)` : '';
    throw new PictureError(
      `${size} of ${this.rows} rows have a damaged picture, more than ${100 * DAMAGED_SHARE} %: ${named}${more}`,
    );
  }
}
