/** Rows to train on: a comparison with a winner, or one picture and its caption; and where their pictures come from. */
import { numpyPermutation } from '../random';
import { decodeImage, PictureError, type RgbImage } from './image';

export interface TrainingRow {
  /** Several captions are one to choose from each time the row is fetched. */
  readonly caption: string | readonly string[];
  /** The column of the preferred picture, or of the only one. */
  readonly winner: string;
  readonly loser?: string;
  readonly file: { readonly path: string };
  /** Position in the file, counted from 0. */
  readonly row: number;
  readonly rowGroup: number;
  readonly rowInGroup: number;
}

/** The encoded pictures of rows. */
export interface PictureSource {
  /** @throws PictureError if this one picture cannot be had. */
  get(row: TrainingRow, column: string): Promise<Uint8Array>;
}

/** Rows in the order of their files; comparisons are called pairs, as in the original. */
export interface TrainingData {
  readonly pairs: readonly TrainingRow[];
  /** Comparisons that people left undecided and nobody trains on; they are named winner and loser all the same. */
  readonly undecided?: readonly TrainingRow[];
  readonly pictures: PictureSource;
}

/** One encoded picture. @throws PictureError that names row, column and file. */
export async function pictureBytes(
  { pictures }: Pick<TrainingData, 'pictures'>,
  row: TrainingRow,
  column: string,
): Promise<Uint8Array> {
  try {
    return await pictures.get(row, column);
  } catch (error) {
    throw atRow(error, row, column);
  }
}

/** One picture, decoded. @throws PictureError that names row, column and file. */
export async function pairPicture(
  data: Pick<TrainingData, 'pictures'>,
  row: TrainingRow,
  column: string,
): Promise<RgbImage> {
  const bytes = await pictureBytes(data, row, column);
  try {
    return await decodeImage(bytes);
  } catch (error) {
    throw atRow(error, row, column);
  }
}

/** A picture's error, told where the picture stands; other errors as they are. */
export function atRow(error: unknown, { file, row }: TrainingRow, column: string): unknown {
  if (!(error instanceof PictureError)) return error;
  return new PictureError(`Row ${row}, column "${column}" of "${file.path}": ${error.message}`);
}

/** `dataset.shuffle(seed).select(range(count))`. @throws RangeError if there are fewer rows. */
export function chooseRows<T>(rows: readonly T[], count: number, seed: number): T[] {
  if (!Number.isInteger(count) || count < 1 || count > rows.length) {
    throw new RangeError(`maxTrainSamples is ${count}, but there are ${rows.length} pairs.`);
  }
  const chosen = numpyPermutation(seed, rows.length).subarray(0, count);
  return Array.from(chosen, (i) => rows[i] as T);
}
