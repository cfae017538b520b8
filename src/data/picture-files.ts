/** The encoded pictures of a data set, fetched by whole row-group columns and kept while they fit a byte budget. */
import { type PreferenceFile, preferenceColumn } from './pickapic';

/** Which picture of a comparison. */
export type PictureColumn = 'jpg_0' | 'jpg_1';

/** Remembers the row-group columns used last; reading them in file order reads each once. */
export class PictureFiles {
  private readonly kept = new Map<string, { files: Promise<Uint8Array[]>; bytes: number }>();
  private bytes = 0;

  /** @param budgetBytes what is kept beyond the column in use. @default 512 MiB */
  constructor(private readonly budgetBytes = 512 * 2 ** 20) {}

  /** One picture file. @throws ParquetError */
  async get(
    file: PreferenceFile,
    column: PictureColumn,
    rowGroup: number,
    rowInGroup: number,
  ): Promise<Uint8Array> {
    const files = await this.column(file, column, rowGroup);
    return files[rowInGroup] as Uint8Array;
  }

  private column(file: PreferenceFile, column: PictureColumn, rowGroup: number) {
    const key = `${column} ${rowGroup} ${file.path}`;
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key); // moves it to the end: used last
      this.kept.set(key, known);
      return known.files;
    }
    const entry = { files: preferenceColumn(file, column, rowGroup), bytes: 0 };
    this.kept.set(key, entry);
    entry.files.then(
      (files) => {
        entry.bytes = files.reduce((sum, { length }) => sum + length, 0);
        this.bytes += entry.bytes;
        this.forget(key);
      },
      () => this.kept.delete(key), // the caller gets the error; the next call tries again
    );
    return entry.files;
  }

  private forget(newest: string) {
    for (const [key, { bytes }] of this.kept) {
      if (this.bytes <= this.budgetBytes) return;
      if (key === newest) continue;
      this.kept.delete(key);
      this.bytes -= bytes;
    }
  }
}
