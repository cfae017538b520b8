/** The encoded pictures of a data set, read one at a time where the file allows, and kept while they fit a byte budget. */
import { MissingPictureError } from './image';
import {
  ParquetError,
  type ParquetOptions,
  type ParquetPlaces,
  type ParquetValue,
  parquetColumn,
  parquetPlaces,
  parquetValue,
} from './parquet';
import type { PictureSource, TrainingRow } from './rows';

/** Which picture of a comparison. */
export type PictureColumn = 'jpg_0' | 'jpg_1';

export const isPicture = (value: unknown): value is PictureColumn =>
  value === 'jpg_0' || value === 'jpg_1';

export interface PictureFilesOptions extends ParquetOptions {
  /** What may be remembered of where they stand, 16 bytes a picture. @default 64 MiB: four million pictures */
  readonly placeBytes?: number;
}

/**
 * Remembers what was read last: single pictures, or all of a row group's column where that is small or cannot be
 * entered (`parquetPlaces`); reading in the files' order reads each once.
 */
export class PictureFiles implements PictureSource {
  private readonly pictures: LastUsed<readonly ParquetValue[]>;
  private readonly places: LastUsed<ParquetPlaces | undefined>;

  /** @param budgetBytes what is kept of pictures beyond those in use. @default 512 MiB */
  constructor(
    budgetBytes = 512 * 2 ** 20,
    private readonly options: PictureFilesOptions = {},
  ) {
    const { placeBytes = 64 * 2 ** 20 } = options;
    this.pictures = new LastUsed(budgetBytes, (files) => files.reduce(addBytes, 0));
    this.places = new LastUsed(placeBytes, (found) => found?.places.byteLength ?? 0);
  }

  /** One picture file. @throws ParquetError, or MissingPictureError where the row has no picture. */
  async get(row: TrainingRow, column: string): Promise<Uint8Array> {
    const bytes = await this.value(row, column);
    if (bytes === undefined) throw new MissingPictureError('There is no picture.');
    if (bytes instanceof Uint8Array) return bytes;
    throw new ParquetError(`"${row.file.path}", column "${column}" holds no picture files.`);
  }

  private async value({ file: { path }, rowGroup, rowInGroup }: TrainingRow, column: string) {
    const { options } = this;
    const key = `${column} ${rowGroup} ${path}`;
    const places = await this.places.get(key, () => parquetPlaces(path, column, rowGroup, options));
    if (!places) {
      const files = await this.pictures.get(key, () =>
        parquetColumn(path, column, rowGroup, options),
      );
      return files[rowInGroup];
    }
    const [file] = await this.pictures.get(`${rowInGroup} ${key}`, async () => [
      await parquetValue(path, column, rowGroup, rowInGroup, places, options),
    ]);
    return file;
  }
}

/** What was asked for last, within a budget of bytes and the newest beyond it. */
class LastUsed<T> {
  private readonly kept = new Map<string, { value: Promise<T>; bytes: number }>();
  private bytes = 0;

  constructor(
    private readonly budget: number,
    private readonly sizeOf: (value: T) => number,
  ) {}

  get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key); // moves it to the end: used last
      this.kept.set(key, known);
      return known.value;
    }
    const entry = { value: read(), bytes: 0 };
    this.kept.set(key, entry);
    entry.value.then(
      (value) => {
        if (this.kept.get(key) !== entry) return; // forgotten before it came
        entry.bytes = this.sizeOf(value);
        this.bytes += entry.bytes;
        this.forget(key);
      },
      () => {
        if (this.kept.get(key) === entry) this.kept.delete(key); // the caller gets the error; the next call tries again
      },
    );
    return entry.value;
  }

  private forget(newest: string) {
    for (const [key, { bytes }] of this.kept) {
      if (this.bytes <= this.budget) return;
      if (key === newest) continue;
      this.kept.delete(key);
      this.bytes -= bytes;
    }
  }
}

const addBytes = (sum: number, value: ParquetValue) =>
  sum + (value instanceof Uint8Array ? value.length : 0);
