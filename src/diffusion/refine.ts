// B pictures, h × w latent positions, C channels
import type { RgbImage } from '../data/image';
import { noGrad, type Tensor } from '../engine';
import { lastImages, type SampleStep, sample } from './sample';
import {
  plannedGenerators,
  plannedWindow,
  type SampleOptions,
  samplePlan,
  type TextToImage,
} from './sample-plan';

/** Options of a drawing by base and refiner. */
export interface RefinedOptions
  extends Omit<SampleOptions, 'latents' | 'denoisingStart' | 'denoisingEnd'> {
  /** Share of the way that the base goes. @default 0.8 */
  readonly switchAt?: number;
}

/**
 * Draws with two models: the base goes the first part of the way down the noise, the refiner the rest, both with the same
 * options (Podell et al. 2023, section 2.5). Steps are counted through. Yields, frees and throws as `sample` does.
 * @param refiner a pipeline with the base's latents
 */
export function* sampleRefined(
  base: TextToImage,
  refiner: TextToImage,
  { switchAt = 0.8, ...options }: RefinedOptions,
): Generator<SampleStep, void, void> {
  const shared = { ...options, generator: plannedGenerators(options) };
  const { sampler, numInferenceSteps } = samplePlan(refiner, shared);
  const after = plannedWindow(sampler, numInferenceSteps, { denoisingStart: switchAt }).count;
  let latents: Tensor | undefined; // [B, h, w, C], where the base left them
  let before = 0;
  try {
    for (const seen of sample(base, { ...shared, denoisingEnd: switchAt })) {
      before = seen.steps;
      if (seen.step === before - 1) latents = noGrad(() => seen.latents.mul(1));
      yield { ...seen, steps: before + after };
    }
    for (const seen of sample(refiner, { ...shared, latents, denoisingStart: switchAt }))
      yield { ...seen, step: before + seen.step, steps: before + after };
  } finally {
    latents?.dispose();
  }
}

/** The pictures of `sampleRefined`, decoded by the refiner. */
export function generateRefined(
  base: TextToImage,
  refiner: TextToImage,
  options: RefinedOptions,
): RgbImage[] {
  return lastImages(refiner, sampleRefined(base, refiner, options), options);
}
