import type { Tensor } from '../engine';
import type { PredictionType } from './scheduler-config';

/** The clean picture and the noise that a model's output stands for. */
export interface Reading {
  /** x̂_0 */
  readonly predOriginal: Tensor;
  /** ε̂ */
  readonly noisePred: Tensor;
}

/**
 * x̂_0 and ε̂ from the model's output at x_t = signal · x_0 + noise · ε; all tensors have one shape.
 * ε: Ho et al. 2020, eq. 15; v: Salimans and Ho 2022, appendix D; `sample`: the output is x̂_0.
 *
 * @throws RangeError for an ε prediction where nothing of the picture is left (signal = 0).
 */
export function readPrediction(
  type: PredictionType,
  modelPred: Tensor,
  sample: Tensor,
  { signal, noise }: { readonly signal: number; readonly noise: number },
): Reading {
  if (type === 'v_prediction')
    return {
      predOriginal: sample.mul(signal).sub(modelPred.mul(noise)),
      noisePred: modelPred.mul(signal).add(sample.mul(noise)),
    };
  if (type === 'sample') {
    const noisePred = sample.sub(modelPred.mul(signal)).div(noise);
    return { predOriginal: modelPred.mul(1), noisePred }; // a tensor of its own, which the caller may free
  }
  if (signal === 0)
    throw new RangeError(
      'With zero terminal SNR the first timestep holds no picture, and a model that predicts noise says nothing ' +
        'about it: choose "leading" timestep spacing, or a model with v_prediction.',
    );
  return { predOriginal: sample.sub(modelPred.mul(noise)).div(signal), noisePred: modelPred };
}

/** The two coefficients of x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε. */
export const mixture = (alpha: number) => ({
  signal: Math.sqrt(alpha),
  noise: Math.sqrt(1 - alpha),
});

/**
 * x̂_0 from the model's output at x = x_0 + σ ε, whose input was x / √(σ² + 1) (Karras et al. 2022, section 5).
 * The roundings are those of diffusers' `EulerDiscreteScheduler`: at large σ little else is left.
 */
export function denoised(
  type: PredictionType,
  modelPred: Tensor,
  sample: Tensor,
  sigma: number,
): Tensor {
  if (type === 'sample') return modelPred.mul(1); // as above
  if (type === 'epsilon') return sample.sub(modelPred.mul(sigma));
  const variance = sigma ** 2 + 1;
  return modelPred.mul(-sigma / Math.sqrt(variance)).add(sample.div(variance));
}
