/** Pictures, latents and the way from noise to a picture, in rows. B pictures, h × w latent positions, C channels. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng, type RgbImage } from '../data/image';
import type { SampleStep } from '../diffusion';
import { Tensor } from '../engine';
import { writeFileAtomically } from '../hub/atomic';
import { latentImages } from './latent-images';
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';
import { tensorPictures } from './tensor-picture';
import { tensorStats } from './tensor-stats';
import { escapeHtml, formatBytes } from './text';
import { heading, remark, row } from './theme';
import { dataUrl, thumbnail } from './thumbnail';
import { together } from './together';

export interface ShowImagesOptions {
  readonly title?: string;
  /** Longest side of a picture in the page, in pixels. @default 128 */
  readonly side?: number;
  /** Writes the full pictures there as `0.png`, `1.png`, … and links to them. @default they are in the notebook while they fit */
  readonly folder?: string;
}

/** Full pictures of one output have room for this many bytes of base64; a notebook is to stay small. */
const FULL_BYTES = 600_000;

/**
 * Pictures in rows, each with its caption; a larger one is shown small and opens in full on a click. A tensor gives the
 * pictures that its shape holds: [B, H, W, 1, 3 or 4] or one of them.
 */
export function showImages(
  grid: readonly RgbImage[] | Tensor,
  captions: readonly string[] = [],
  options: ShowImagesOptions = {},
): Displayable {
  const images = grid instanceof Tensor ? picturesOf(grid) : grid;
  if (images.length === 0) throw new RangeError('There is no picture to show.');
  return { [DISPLAY]: () => imagesBundle(images, captions, options) };
}

function picturesOf(x: Tensor): readonly RgbImage[] {
  const found = tensorPictures(x, tensorStats(x), { most: x.shape[0] ?? 1, side: Infinity });
  if (found) return found.images;
  throw new RangeError(
    `Pictures are [B, H, W, 1, 3 or 4], 8 pixels a side or more; this is [${x.shape.join(', ')}].`,
  );
}

async function imagesBundle(
  images: readonly RgbImage[],
  captions: readonly string[],
  { title, side = 128, folder }: ShowImagesOptions,
): Promise<MimeBundle> {
  const full = folder === undefined ? await embedded(images, side) : await written(images, folder);
  const cells = await Promise.all(
    images.map(async (image, i) => {
      const caption = captions[i] ?? '';
      const small = await thumbnail(image, { side, alt: caption });
      const below =
        caption === ''
          ? ''
          : `<figcaption style="max-width:${side}px"><small>${escapeHtml(caption)}</small></figcaption>`;
      return `<figure style="margin:0">${full.around(small, i)}${below}</figure>`;
    }),
  );
  const [first] = images;
  const lines = images.map(
    (image, i) => `${i + 1}. ${captions[i] ?? ''} [${image.width}×${image.height}]`,
  );
  return {
    'text/html': [
      title === undefined ? '' : heading(title),
      row(cells, 10),
      remark(full.note),
    ].join(''),
    'text/plain': [
      title ?? `${images.length} pictures of ${first?.width}×${first?.height}`,
      ...lines,
      ...(full.note ? [full.note] : []),
    ].join('\n'),
  };
}

/** What a click on a thumbnail leads to. */
interface Full {
  around(thumbnail: string, i: number): string;
  readonly note: string;
}

/** Full pictures in the page itself, behind a fold, as long as all of them fit. */
async function embedded(images: readonly RgbImage[], side: number): Promise<Full> {
  const isSmall = images.every(({ width, height }) => Math.max(width, height) <= side);
  if (isSmall) return { around: (small) => small, note: '' };
  const urls = await Promise.all(images.map(dataUrl));
  const bytes = urls.reduce((sum, url) => sum + url.length, 0);
  if (bytes > FULL_BYTES) {
    const note = `The full pictures have ${formatBytes(bytes)} and are not in the notebook; a folder keeps them: showImages(images, captions, { folder }).`;
    return { around: (small) => small, note };
  }
  const open = '<details><summary style="cursor:zoom-in;list-style:none">';
  const around = (small: string, i: number) =>
    `${open}${small}</summary><img src="${urls[i]}" alt="full size" style="max-width:100%"></details>`;
  return { around, note: 'A click on a picture shows it in full.' };
}

async function written(images: readonly RgbImage[], folder: string): Promise<Full> {
  mkdirSync(folder, { recursive: true });
  for (const [i, image] of images.entries()) {
    const png = await encodePng(image);
    await writeFileAtomically(join(folder, `${i}.png`), async (handle) => {
      await handle.writeFile(png);
    });
  }
  const around = (small: string, i: number) =>
    `<a href="${escapeHtml(encodeURI(join(folder, `${i}.png`)))}" target="_blank" rel="noopener">${small}</a>`;
  return { around, note: `The full pictures are in ${folder}.` };
}

export interface ShowLatentsOptions extends ShowImagesOptions {
  readonly captions?: readonly string[];
  /** Values from −range to +range span black to white. @default 3 */
  readonly range?: number;
}

/** `latents` [B, h, w, C ≥ 3]: their first three channels as colours, enlarged; nothing is decoded. */
export function showLatents(
  latents: Tensor,
  { captions = [], range = 3, ...options }: ShowLatentsOptions = {},
): Displayable {
  const about = `latents [${latents.shape.join(', ')}], −${range} … ${range} from black to white`;
  return showImages(latentImages(latents, { range }), captions, { title: about, ...options });
}

export interface ShowTrajectoryOptions extends Pick<ShowImagesOptions, 'side'> {
  /** Steps shown, spread over all; the first and the last are among them. @default 8 */
  readonly shown?: number;
  /** Turns latents [1, h, w, C] into a picture; decoding each step is slow. @default latents as colours */
  readonly decode?: (latents: Tensor) => RgbImage;
  /** Which picture of the batch. @default 0 */
  readonly picture?: number;
}

/**
 * The way of one picture out of the noise: the latents of some steps, and below them what the model takes the finished
 * ones to be. `steps` is what `sample` yields, and is run to its end here.
 */
export async function showTrajectory(
  steps: Iterable<SampleStep>,
  { shown = 8, picture = 0, side = 96, decode }: ShowTrajectoryOptions = {},
): Promise<Displayable> {
  const own = (latents: Tensor): RgbImage => {
    const [, h = 0, w = 0, C = 0] = latents.shape;
    const one = latents.slice([picture, 0, 0, 0], [1, h, w, C]);
    try {
      return decode ? decode(one) : (latentImages(one)[0] as RgbImage);
    } finally {
      one.dispose();
    }
  };
  const [times, now, ends]: [string[], RgbImage[], RgbImage[]] = [[], [], []];
  let count = 0;
  for (const { step, steps: all, timestep, latents, predOriginal } of steps) {
    count = all;
    const every = Math.max(1, (all - 1) / Math.max(1, shown - 1));
    const isNext = Math.floor(step / every) !== Math.floor((step - 1) / every);
    if (!isNext && step !== all - 1) continue;
    times.push(`t = ${timestep}`);
    now.push(own(latents));
    ends.push(own(predOriginal));
  }
  const title = `${times.length} of ${count} steps: above the latents, below what the model takes their end to be`;
  const captions = times.map((time) => `x̂₀ at ${time}`);
  return together(showImages(now, times, { side, title }), showImages(ends, captions, { side }));
}
