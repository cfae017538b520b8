// B pictures, H × W pixels, h × w latent positions, C channels
import type { RgbImage } from '../data/image';
import { imagesFromPixelValues } from '../data/pixels';
import { autocast, type MixedPrecision, noGrad, type Tensor } from '../engine';
import {
  pixelsFromLatents,
  type TileOptions,
  type Vae,
  type VaeParts,
  vaeScaleFactor,
} from '../models';

/** What the autoencoder does to need less memory, where it is asked for, as in diffusers. Tiles change a picture a little. */
export interface VaeMemoryOptions {
  /** `pictures`: one after the other, whatever their size. @default 'none' */
  readonly vaeSlicing?: 'none' | 'pictures' | undefined;
  /** Cuts pictures that are larger than a tile into tiles that overlap; `{}` has diffusers' sizes. @default none are cut */
  readonly vaeTiling?: TileOptions | undefined;
}

/** How to decode. */
export interface DecodeOptions extends VaeMemoryOptions {
  /** Pictures are decoded together up to this many pixels; at 2¹⁸ one tensor of the SD 1.5 decoder has 268 MB. @default 2¹⁸ */
  readonly pixelsAtOnce?: number;
  /** @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
}

/** Decodes latents as the UNet sees them, [B, h, w, C], to 8-bit pictures. */
export function imagesFromLatents(
  vae: Vae,
  latents: Tensor,
  { pixelsAtOnce = 2 ** 18, mixedPrecision = 'no', ...memory }: DecodeOptions = {},
): RgbImage[] {
  const [B = 0, h = 0, w = 0, C = 0] = latents.shape;
  const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (h * w * vaeScaleFactor(vae) ** 2)));
  const parts = vaeParts(memory);
  const images: RgbImage[] = [];
  for (let b = 0; b < B; b += atOnce) {
    const size = [Math.min(atOnce, B - b), h, w, C];
    const part = () => pixelsFromLatents(vae, latents.slice([b, 0, 0, 0], size), parts);
    const pixels = autocast(mixedPrecision, () => noGrad(part));
    const [, height = 0, width = 0] = pixels.shape;
    images.push(...imagesFromPixelValues(pixels.floats(), { width, height }));
    pixels.dispose();
  }
  return images;
}

/** The same under the names that the autoencoder's functions have for it. */
export const vaeParts = ({ vaeSlicing, vaeTiling }: VaeMemoryOptions): VaeParts => ({
  slicing: vaeSlicing,
  tiling: vaeTiling,
});
