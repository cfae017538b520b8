// B pictures, n given ones, H × W pixels, h × w latent positions, C channels
import type { RgbImage } from '../data/image';
import { pixelValues } from '../data/pixels';
import { resize } from '../data/resize';
import { scoped, type Tensor, tensor, tile } from '../engine';
import { latentsFromPixels, type Vae, type VaeParts } from '../models';
import { type Generators, randnLatents } from './latents';
import { joinedRows } from './rows';

/** A picture that is drawn over (Meng et al. 2022, SDEdit): it gets noise, and a part of the steps takes it away again. */
export interface DrawOverOptions {
  /** One for all prompts, or so many that the pictures drawn are a multiple. @default none: from noise alone */
  readonly image?: RgbImage | readonly RgbImage[];
  /** How much becomes new: the share of the steps that are made, above 0 to 1. @default 0.8 */
  readonly strength?: number;
}

/** The pictures to draw over, resized as diffusers' `VaeImageProcessor` does. @param size [H, W] in pixels */
export function picturesToDrawOver(
  { image }: DrawOverOptions,
  [height, width]: readonly [number, number],
  count: number,
): readonly RgbImage[] | undefined {
  if (image === undefined) return undefined;
  const images = [image].flat();
  if (images.length === 0 || count % images.length !== 0)
    throw new RangeError(
      `image has ${images.length} pictures, but ${count} are drawn: not a multiple of them.`,
    );
  return images.map((one) => resize(one, width, height, { filter: 'lanczos' }));
}

/**
 * The step that a run with `strength` begins with. Upstream: `StableDiffusionImg2ImgPipeline.get_timesteps`.
 *
 * @throws RangeError where no step is left
 */
export function firstStep(numInferenceSteps: number, strength: number): number {
  if (!(strength > 0 && strength <= 1))
    throw new RangeError(`strength is ${strength}; it must be above 0 and at most 1.`);
  const made = Math.trunc(numInferenceSteps * strength);
  if (made === 0)
    throw new RangeError(
      `With strength ${strength} none of ${numInferenceSteps} steps is made; give more steps, or more strength.`,
    );
  return numInferenceSteps - made;
}

/**
 * Latents of the pictures to draw over, each drawn from its posterior as diffusers draws it: with a generator for each
 * picture from that, else one draw for the pictures given, which are then repeated.
 *
 * @param shape [B, h, w, C], also the shape of the result
 */
export const latentsToDrawOver = scoped(
  'latentsToDrawOver',
  (
    vae: Vae,
    images: readonly RgbImage[],
    generators: Generators,
    [B, ...rest]: readonly [number, number, number, number],
    parts: VaeParts = {},
  ): Tensor => {
    const n = images.length;
    const each = Array.isArray(generators) && generators.length > 1 ? B : n; // posterior draws
    const noise = randnLatents(generators, [each, ...rest]);
    const [{ width, height } = { width: 0, height: 0 }] = images;
    const values = pixelValues(images);
    const numbers = values.length / n;
    const rows = Array.from({ length: each }, (_, i) => {
      const k = i % n;
      const pixels = tensor(values.slice(k * numbers, (k + 1) * numbers), [1, height, width, 3]);
      const draw = noise.slice([i, 0, 0, 0], [1, ...rest]);
      return latentsFromPixels(vae, pixels, draw, parts); // one at a time, for memory
    });
    return tile(joinedRows(rows as [Tensor]), [B / each, 1, 1, 1]);
  },
);
