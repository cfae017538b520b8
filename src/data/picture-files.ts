/** The encoded pictures of a data set, fetched by whole row-group columns and kept while they fit a byte budget. */
import { PictureError } from './image';
import { ParquetError, type ParquetValue, parquetColumn } from './parquet';
import type { PictureSource, TrainingRow } from './rows';

/** Which picture of a comparison. */
export type PictureColumn = 'jpg_0' | 'jpg_1';

/** Remembers the row-group columns used last; reading them in file order reads each once. */
export class PictureFiles implements PictureSource {
  private readonly kept = new Map<string, { files: Promise<ParquetValue[]>; bytes: number }>();
  private bytes = 0;

  /** @param budgetBytes what is kept beyond the column in use. @default 512 MiB */
  constructor(private readonly budgetBytes = 512 * 2 ** 20) {}

  /** One picture file. @throws ParquetError, or PictureError where the row has no picture. */
  async get({ file, rowGroup, rowInGroup }: TrainingRow, column: string): Promise<Uint8Array> {
    const bytes = (await this.column(file.path, column, rowGroup))[rowInGroup];
    if (bytes === undefined) throw new PictureError('There is no picture.');
    if (bytes instanceof Uint8Array) return bytes;
    throw new ParquetError(`"${file.path}", column "${column}" holds no picture files.`);
  }

  private column(path: string, column: string, rowGroup: number) {
    const key = `${column} ${rowGroup} ${path}`;
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key); // moves it to the end: used last
      this.kept.set(key, known);
      return known.files;
    }
    const entry = { files: parquetColumn(path, column, rowGroup), bytes: 0 };
    this.kept.set(key, entry);
    entry.files.then(
      (files) => {
        entry.bytes = files.reduce<number>((sum, file) => sum + bytesOf(file), 0);
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

const bytesOf = (value: ParquetValue) => (value instanceof Uint8Array ? value.length : 0);
