// B pictures, H × W pixels, h × w latent positions, C channels
import type { RgbImage } from '../data/image';
import type { Tensor } from '../engine';
import { noGrad } from '../engine';
import { pixelsFromLatents, type Vae } from '../models';
import { roundHalfEven } from './round-half-even';

/** One value in −1…1 as a byte, in float32 arithmetic. Upstream: diffusers `VaeImageProcessor.postprocess`. */
function byteOf(x: number): number {
  const unit = Math.fround(Math.fround(x * 0.5) + 0.5);
  return roundHalfEven(Math.fround(Math.min(Math.max(unit, 0), 1) * 255));
}

/** Pixels [B, H, W, 3] in −1…1 as 8-bit pictures. */
export function imagesFromPixels(pixels: Tensor): RgbImage[] {
  const [B = 0, height = 0, width = 0] = pixels.shape;
  const bytes = Uint8Array.from(pixels.floats(), byteOf);
  const size = height * width * 3;
  return Array.from({ length: B }, (_, b) => ({
    width,
    height,
    data: bytes.slice(b * size, (b + 1) * size),
  }));
}

/** Pictures that are decoded together hold at most this many pixels: a 512 × 512 one needs 3 GB by itself. */
const PIXELS_AT_ONCE = 2 ** 18;

/** Decodes latents as the UNet sees them, [B, h, w, C], to 8-bit pictures. */
export function imagesFromLatents(vae: Vae, latents: Tensor): RgbImage[] {
  const [B = 0, h = 0, w = 0, C = 0] = latents.shape;
  const atOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / (h * w * vaeScaleFactor(vae) ** 2)));
  const images: RgbImage[] = [];
  for (let b = 0; b < B; b += atOnce) {
    const size = [Math.min(atOnce, B - b), h, w, C];
    const pixels = noGrad(() => pixelsFromLatents(vae, latents.slice([b, 0, 0, 0], size)));
    images.push(...imagesFromPixels(pixels));
    pixels.dispose();
  }
  return images;
}

/** Pixels per latent position along each side. */
export const vaeScaleFactor = ({ config }: Vae): number =>
  2 ** (config.blockOutChannels.length - 1);
