/** A picture that is seen while it is drawn. */
import type { RgbImage } from '../data/image';
import type { SampleStep } from '../diffusion';
import type { Tensor } from '../engine';
import { latentImages } from './latent-images';
import { liveDisplay, UPDATE_MS } from './live';
import { type MimeBundle, notebook } from './notebook';
import { type BarState, barBundle, newBar } from './progress-state';
import { row } from './theme';
import { thumbnail } from './thumbnail';

export interface PreviewOptions {
  /** @default 'drawing' */
  readonly label?: string;
  /** Longest side of a picture in the page, in pixels. @default 192 */
  readonly side?: number;
  /** Pictures of latents, [B, h, w, C]; decoding takes time at every look. @default latents as colours, which takes none */
  readonly decode?: (latents: Tensor) => readonly RgbImage[];
}

/** More than these of a batch are not shown. */
const MOST = 4;

/**
 * Passes the steps of `sample` on and shows, below a bar, what the model takes the finished pictures to be; at the end, what
 * they are. One place under the cell is filled again, at most four times a second; a plain program shows nothing.
 */
export async function* preview<S extends SampleStep>(
  steps: Iterable<S>,
  { label = 'drawing', side = 192, decode = latentImages }: PreviewOptions = {},
): AsyncGenerator<S, void> {
  const bar = newBar(label, undefined);
  const live = liveDisplay();
  let pictures: readonly string[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  try {
    for (const seen of steps) {
      Object.assign(bar, { total: seen.steps, done: seen.step + 1 });
      const isLast = seen.step === seen.steps - 1;
      if (notebook() && (isLast || Date.now() - lookedAt >= UPDATE_MS)) {
        const images = decode(isLast ? seen.latents : seen.predOriginal).slice(0, MOST);
        pictures = await Promise.all(images.map((image) => thumbnail(image, { side })));
        live.update(() => withPictures(bar, pictures));
        lookedAt = Date.now();
      }
      yield seen;
    }
  } finally {
    bar.ended = (Date.now() - bar.startedAt) / 1000;
    live.finish(withPictures(bar, pictures));
  }
}

function withPictures(bar: BarState, pictures: readonly string[]): MimeBundle {
  const told = barBundle(bar);
  return { ...told, 'text/html': `${told['text/html']}${row(pictures, 10)}` };
}
