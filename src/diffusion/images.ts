// B pictures, H × W pixels, h × w latent positions, C channels
import type { RgbImage } from '../data/image';
import { imagesFromPixelValues } from '../data/pixels';
import { autocast, type MixedPrecision, noGrad, type Tensor } from '../engine';
import { pixelsFromLatents, type Vae } from '../models';

/** How to decode. */
export interface DecodeOptions {
  /** Pictures are decoded together up to this many pixels; at 2¹⁸ one tensor of the SD 1.5 decoder has 268 MB. @default 2¹⁸ */
  readonly pixelsAtOnce?: number;
  /** @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
}

/** Decodes latents as the UNet sees them, [B, h, w, C], to 8-bit pictures. */
export function imagesFromLatents(
  vae: Vae,
  latents: Tensor,
  { pixelsAtOnce = 2 ** 18, mixedPrecision = 'no' }: DecodeOptions = {},
): RgbImage[] {
  const [B = 0, h = 0, w = 0, C = 0] = latents.shape;
  const atOnce = Math.max(1, Math.floor(pixelsAtOnce / (h * w * vaeScaleFactor(vae) ** 2)));
  const images: RgbImage[] = [];
  for (let b = 0; b < B; b += atOnce) {
    const size = [Math.min(atOnce, B - b), h, w, C];
    const part = () => pixelsFromLatents(vae, latents.slice([b, 0, 0, 0], size));
    const pixels = autocast(mixedPrecision, () => noGrad(part));
    const [, height = 0, width = 0] = pixels.shape;
    images.push(...imagesFromPixelValues(pixels.floats(), { width, height }));
    pixels.dispose();
  }
  return images;
}

/** Pixels per latent position along each side. */
export const vaeScaleFactor = ({ config }: Vae): number =>
  2 ** (config.blockOutChannels.length - 1);
