/** A preference pair: winner and loser side by side, what was asked for, and where the pair comes from. */
import { basename } from 'node:path';
import {
  describeCounts,
  describeFaults,
  type OwnPairs,
  type PairCounts,
  pairPicture,
  type TrainingData,
  type TrainingRow,
} from '../data';
import { PictureError, type RgbImage } from '../data/image';
import { ParquetError } from '../data/parquet';
import { PictureFiles } from '../data/picture-files';
import { addLook, has } from './looks';
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';
import { escapeHtml } from './text';
import { COLOURS, folded, heading, remark, row, THEME } from './theme';
import { thumbnail } from './thumbnail';

/** A picture, or why there is none. */
type Seen = RgbImage | { readonly reason: string };

async function seen(
  data: Pick<TrainingData, 'pictures'>,
  pair: TrainingRow,
  column: string,
): Promise<Seen> {
  try {
    return await pairPicture(data, pair, column);
  } catch (error) {
    // One bad picture is shown as such: the pair's words are worth seeing all the same.
    if (error instanceof PictureError || error instanceof ParquetError)
      return { reason: error.message };
    throw error;
  }
}

const captionOf = ({ caption }: TrainingRow) =>
  typeof caption === 'string' ? caption : caption.join(' | ');

/** `label_0` of the original: 1 where `jpg_0` was preferred, 0 where `jpg_1` was. */
const labelOf = ({ winner, loser }: TrainingRow) =>
  loser === undefined ? 'one picture' : `${winner} preferred to ${loser}`;

const provenance = ({ file, row: at }: TrainingRow) => `row ${at} of ${basename(file.path)}`;

async function pairBundle(
  data: Pick<TrainingData, 'pictures'>,
  pair: TrainingRow,
  side = 160,
): Promise<MimeBundle> {
  const { winner, loser } = pair;
  const columns = loser === undefined ? [winner] : [winner, loser];
  const names = loser === undefined ? [''] : ['preferred', 'rejected'];
  const pictures = await Promise.all(columns.map((column) => seen(data, pair, column)));
  const caption = captionOf(pair);
  const cells = await Promise.all(
    pictures.map((picture, i) =>
      pictureCell(picture, `${caption}, ${names[i]}`, names[i] ?? '', side),
    ),
  );
  const sizes = pictures.map((picture) =>
    'reason' in picture ? picture.reason : `${picture.width}×${picture.height}`,
  );
  const about = `${labelOf(pair)} · ${provenance(pair)}`;
  return {
    'text/html': `<figure style="margin:0">${row(cells, 8)}<figcaption>${escapeHtml(caption)}</figcaption>${remark(about)}</figure>`,
    'text/plain': `“${caption}” · ${about} · ${columns.map((c, i) => `${c} ${sizes[i]}`).join(', ')}`,
  };
}

async function pictureCell(
  picture: Seen,
  alt: string,
  name: string,
  side: number,
): Promise<string> {
  const colour = name === 'preferred' ? COLOURS[2] : '#888888';
  const frame = `border-bottom:4px solid ${colour}`;
  const content =
    'reason' in picture
      ? `<span style="${THEME.alarm};display:inline-block;width:${side}px">${escapeHtml(picture.reason)}</span>`
      : await thumbnail(picture, { side, alt });
  const mark = name === 'preferred' ? '✓ ' : '';
  const label = name === '' ? '' : `<small>${mark}${name}</small>`;
  return `<div><div style="${frame}">${content}</div>${label}</div>`;
}

export interface ShowPairsOptions {
  /** Pairs shown. @default 6 */
  readonly count?: number;
  /** The first of them. @default 0 */
  readonly from?: number;
  /** Longest side of a picture in the page, in pixels. @default 128 */
  readonly side?: number;
}

/** Some pairs of a data set, each as it shows itself alone. Throws RangeError where `from` is beyond the last. */
export function showPairs(data: TrainingData, options: ShowPairsOptions = {}): Displayable {
  const { count = 6, from = 0, side = 128 } = options;
  const pairs = data.pairs.slice(from, from + count);
  if (pairs.length === 0)
    throw new RangeError(`Pair ${from} was asked for; there are ${data.pairs.length} pairs.`);
  return {
    [DISPLAY]: async () => {
      const shown = await Promise.all(pairs.map((pair) => pairBundle(data, pair, side)));
      const which = `pairs ${from} to ${from + pairs.length - 1} of ${data.pairs.length}`;
      const cells = shown.map(
        (bundle) => `<div style="max-width:${2 * side + 16}px">${bundle['text/html']}</div>`,
      );
      return {
        'text/html': row(cells, 20) + remark(which),
        'text/plain': [which, ...shown.map((bundle) => bundle['text/plain'])].join('\n'),
      };
    },
  };
}

/** For pairs met without their data set: the pictures are in the file that each names. */
const anyFile = new PictureFiles();

const isRow = has('caption', 'winner', 'file', 'row', 'rowGroup');

addLook('pair', { is: isRow }, (pair: TrainingRow) => pairBundle({ pictures: anyFile }, pair));

type DataSet = TrainingData & { readonly counts?: PairCounts } & Partial<
    Pick<OwnPairs, 'faults' | 'problems'>
  >;

/** Sentences about rows that are shown; the others are counted. */
const MOST_PROBLEMS = 20;

/** What is wrong with single rows, folded away. */
function problemLines(problems: readonly string[]): string {
  if (problems.length === 0) return '';
  const shown = problems.slice(0, MOST_PROBLEMS).map((sentence) => remark(sentence));
  const rest = problems.length - shown.length;
  const more = rest > 0 ? [remark(`and ${rest} more, in .problems`)] : [];
  return folded(`${problems.length} rows to look at`, [...shown, ...more].join(''));
}

addLook(
  'data set of pairs',
  { is: (value) => 'pictures' in value && 'pairs' in value && Array.isArray(value.pairs) },
  async (data: DataSet) => {
    const size = `${data.pairs.length} pairs`;
    const { counts, faults, problems = [] } = data;
    const told = counts && (faults ? describeFaults({ counts, faults }) : describeCounts(counts));
    const title = told === undefined ? size : `${size}: ${told}`;
    if (data.pairs.length === 0) return { 'text/plain': title };
    const first = await showPairs(data, { count: 3 })[DISPLAY]();
    return {
      'text/html': heading(title) + String(first['text/html']) + problemLines(problems),
      'text/plain': [title, first['text/plain'], ...problems.slice(0, MOST_PROBLEMS)].join('\n'),
    };
  },
);
