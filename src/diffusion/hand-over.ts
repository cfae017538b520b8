/**
 * One picture by two models: the base makes the first steps, the refiner the last (Podell et al. 2023, section 2.5;
 * diffusers' `denoising_end` and `denoising_start`).
 */
import { roundHalfEven } from '../data/round-half-even';

/** Which part of the way down the noise is gone. */
export interface HandOver {
  /** Share of the way that another model has gone; needs its latents. @default 0 */
  readonly denoisingStart?: number;
  /** Share of the way after which the latents are handed over. @default 1 */
  readonly denoisingEnd?: number;
}

/** Evaluations of the model: the first, and how many. */
export interface Window {
  readonly begin: number;
  readonly count: number;
}

/**
 * The evaluations that fall into a part of the way. Upstream: diffusers `StableDiffusionXLImg2ImgPipeline.get_timesteps`
 * and the `denoising_end` of its `__call__`.
 * @param timesteps of the whole way, the noisiest first
 * @throws RangeError where the part is none
 */
export function handOverWindow(
  timesteps: readonly number[],
  { numTrainTimesteps: T, order }: { readonly numTrainTimesteps: number; readonly order: 1 | 2 },
  { denoisingStart, denoisingEnd }: HandOver,
): Window {
  for (const [name, share] of Object.entries({ denoisingStart, denoisingEnd }))
    if (share !== undefined && !(share > 0 && share < 1))
      throw new RangeError(`${name} is ${share}; it must be between 0 and 1.`);
  const cutoff = (share: number) => roundHalfEven(T - share * T);
  let begin = 0;
  if (denoisingStart !== undefined) {
    const left = timesteps.filter((t) => t < cutoff(denoisingStart)).length;
    begin = timesteps.length - (order === 2 && left % 2 === 0 ? left + 1 : left);
  }
  const end =
    denoisingEnd === undefined
      ? timesteps.length
      : timesteps.filter((t) => t >= cutoff(denoisingEnd)).length;
  if (begin < 0 || end <= begin)
    throw new RangeError(
      `Of ${timesteps.length} evaluations none lies between denoisingStart ${denoisingStart ?? 0} and denoisingEnd ${denoisingEnd ?? 1}.`,
    );
  return { begin, count: end - begin };
}
