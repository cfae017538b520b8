/** A batch as a model is shown it: the pictures after cutting and mirroring, winners above losers, and the captions. */
import type { Batch } from '../data';
import type { RgbImage } from '../data/image';
import { imagesFromPixelValues } from '../data/pixels';
import { addLook, has } from './looks';
import type { MimeBundle } from './notebook';
import { escapeHtml } from './text';
import { heading, remark, row, THEME } from './theme';
import { thumbnail } from './thumbnail';

/** More pairs are not shown. */
const MOST_PAIRS = 8;

async function batchBundle(batch: Batch): Promise<MimeBundle> {
  const { pixelShape, captions, tokens, epoch, index, batchesPerEpoch } = batch;
  const [n, height, width] = pixelShape;
  const B = captions.length;
  const isPairs = n === 2 * B;
  const where = `batch ${index + 1} of ${batchesPerEpoch}, epoch ${epoch}`;
  const pictures = isPairs ? `${B} pairs` : `${B} pictures`;
  const title = `${where}: ${pictures} of ${width}×${height}, captions of ${tokens} tokens`;
  const shown = Math.min(B, MOST_PAIRS);
  const image = (i: number): RgbImage => {
    const size = height * width * 3;
    const values = batch.pixelValues.subarray(i * size, (i + 1) * size);
    return imagesFromPixelValues(values, { width, height })[0] as RgbImage;
  };
  const cells = await Promise.all(
    captions.slice(0, shown).map(async (caption, i) => {
      const own = isPairs ? [i, B + i] : [i];
      const images = await Promise.all(
        own.map((j) => thumbnail(image(j), { side: 96, alt: caption })),
      );
      return `<div style="max-width:96px">${images.join('')}${captionHtml(caption)}</div>`;
    }),
  );
  const rest = B > shown ? `; ${shown} of ${B} are shown` : '';
  const order = isPairs
    ? `above what was preferred, below what was rejected${rest}`
    : rest.slice(2);
  const lines = captions.map(
    (caption, i) => `  ${i + 1}. ${caption === '' ? '(no caption)' : caption}${mirrored(batch, i)}`,
  );
  return {
    'text/html': heading(title) + row(cells, 10) + remark(order),
    'text/plain': [title, ...lines.slice(0, 16), ...(B > 16 ? [`  and ${B - 16} more`] : [])].join(
      '\n',
    ),
  };
}

/** A caption that was dropped is one of the things to see. */
const captionHtml = (caption: string) =>
  caption === ''
    ? `<small style="${THEME.faint}">(no caption)</small>`
    : `<small>${escapeHtml(caption.length > 90 ? `${caption.slice(0, 89)}…` : caption)}</small>`;

/** Which pictures of pair `i` were mirrored; placements are in the order of the files' columns. */
function mirrored({ placements, captions }: Batch, i: number): string {
  const own = [placements[i], placements[captions.length + i]];
  const names = own.flatMap((placement, k) => (placement?.flipped ? [`jpg_${k}`] : []));
  return names.length === 0 ? '' : ` [mirrored: ${names.join(', ')}]`;
}

addLook(
  'batch',
  { is: has('pixelValues', 'pixelShape', 'inputIds', 'captions', 'placements', 'epoch') },
  batchBundle,
);
