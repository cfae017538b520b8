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
 * x̂_0 and ε̂ from the model's output at x_t; `alpha` is ᾱ_t, all tensors have one shape.
 * ε: Ho et al. 2020, eq. 15; v: Salimans and Ho 2022, appendix D.
 *
 * @throws RangeError for an ε prediction where nothing of the picture is left (ᾱ_t = 0).
 */
export function readPrediction(
  type: PredictionType,
  modelPred: Tensor,
  sample: Tensor,
  alpha: number,
): Reading {
  const [signal, noise] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)]; // x_t = signal · x_0 + noise · ε
  if (type === 'v_prediction') {
    return {
      predOriginal: sample.mul(signal).sub(modelPred.mul(noise)),
      noisePred: modelPred.mul(signal).add(sample.mul(noise)),
    };
  }
  if (alpha === 0)
    throw new RangeError(
      'With zero terminal SNR the first timestep holds no picture, and a model that predicts noise says nothing ' +
        'about it: choose "leading" timestep spacing, or a model with v_prediction.',
    );
  return { predOriginal: sample.sub(modelPred.mul(noise)).div(signal), noisePred: modelPred };
}
