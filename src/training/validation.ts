/** Pictures of the same prompts at the same seeds by base and policy, while training goes on. */

import { encodePng, type RgbImage } from '../data/image';
import { generateImages, type SampleOptions, type TextToImage } from '../diffusion';
import { writeFileAtomically } from '../hub/atomic';
import type { UNet } from '../models';

/** One prompt, drawn by both. */
export interface ValidationPicture {
  readonly prompt: string;
  readonly seed: number;
  readonly base: RgbImage;
  readonly policy: RgbImage;
}

export interface ValidationOptions
  extends Pick<
    SampleOptions,
    'numInferenceSteps' | 'guidanceScale' | 'height' | 'width' | 'mixedPrecision'
  > {
  readonly prompts: readonly string[];
  /** Of the first prompt; the next has the next. @default 0 */
  readonly seed?: number;
}

/**
 * Draws every prompt with the policy as it is now, beside what the pipeline's own UNet draws, which is drawn once. Nothing
 * is drawn from the training's generators.
 */
export function validator(
  pipeline: TextToImage,
  { prompts, seed = 0, ...options }: ValidationOptions,
): (policy: UNet) => readonly ValidationPicture[] {
  const seeds = prompts.map((_, i) => seed + i);
  const draw = (unet: UNet) =>
    generateImages({ ...pipeline, unet }, { prompt: prompts, seed: seeds, ...options });
  let base: readonly RgbImage[] | undefined;
  return (policy) => {
    base ??= draw(pipeline.unet);
    const drawn = draw(policy);
    return prompts.map((prompt, i) => ({
      prompt,
      seed: seed + i,
      base: base?.[i] as RgbImage,
      policy: drawn[i] as RgbImage,
    }));
  };
}

/** Base on the left, policy on the right. */
export function strip({ base, policy }: ValidationPicture): RgbImage {
  const [left, right] = [base, policy].map(({ width }) => 3 * width) as [number, number];
  const data = new Uint8Array((left + right) * base.height);
  for (let y = 0; y < base.height; y++) {
    data.set(base.data.subarray(y * left, (y + 1) * left), y * (left + right));
    data.set(policy.data.subarray(y * right, (y + 1) * right), y * (left + right) + left);
  }
  return { width: base.width + policy.width, height: base.height, data };
}

/** Writes the strip as a PNG that carries prompt, seed and step. */
export async function writeStrip(
  path: string,
  picture: ValidationPicture,
  step: number,
): Promise<void> {
  const { prompt, seed } = picture;
  const text = { prompt, seed: String(seed), step: String(step), pictures: 'base, policy' };
  const png = await encodePng(strip(picture), { text });
  await writeFileAtomically(path, async (handle) => {
    await handle.writeFile(png);
  });
}
