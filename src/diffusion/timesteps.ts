/** Where in 0 … T−1 the model is asked (Lin et al. 2023, Table 2), always in descending order. */
import { roundHalfEven } from '../data/round-half-even';
import type { SamplerConfig } from './scheduler-config';

/** Spaced timesteps; those of `linspace` may lie between two of training. */
const spacings = {
  leading: (T: number, count: number, offset: number) =>
    Array.from({ length: count }, (_, i) => (count - 1 - i) * Math.floor(T / count) + offset),
  // numpy's arange: the difference of its first two values is the stride, rounding errors included
  trailing: (T: number, count: number, _offset: number, last = T) => {
    const stride = last - T / count - last;
    const length = Math.min(count, Math.ceil(-last / stride));
    return Array.from({ length }, (_, i) => roundHalfEven(last + i * stride) - 1);
  },
  linspace: (T: number, count: number) => {
    const stride = (T - 1) / Math.max(count - 1, 1);
    return Array.from({ length: count }, (_, i) =>
      i === 0 && count > 1 ? T - 1 : (count - 1 - i) * stride,
    );
  },
};

function checkCount(numInferenceSteps: number, most: number): void {
  if (Number.isInteger(numInferenceSteps) && numInferenceSteps >= 1 && numInferenceSteps <= most)
    return;
  throw new RangeError(
    `numInferenceSteps is ${numInferenceSteps}; the model has timesteps for 1 to ${most}.`,
  );
}

/** @throws RangeError where an offset leads past the last timestep */
function checkFirst([first = 0]: readonly number[], config: SamplerConfig): void {
  const { numTrainTimesteps: T, stepsOffset } = config;
  if (first < T) return;
  throw new RangeError(
    `With so many steps and steps_offset ${stepsOffset} the first timestep is ${first}, ` +
      `but the model was trained on 0 … ${T - 1}.`,
  );
}

/**
 * The timesteps of a run with `numInferenceSteps` steps, in the order in which they are visited.
 *
 * @throws RangeError if there are more steps than the model has timesteps, or an offset leads past the last one.
 */
export const spacedTimesteps = (config: SamplerConfig, numInferenceSteps: number): number[] =>
  unroundedTimesteps(config, numInferenceSteps).map(roundHalfEven);

/** Like {@link spacedTimesteps}, but those of `linspace` are left between the timesteps of training. */
export function unroundedTimesteps(config: SamplerConfig, numInferenceSteps: number): number[] {
  const { timestepSpacing, numTrainTimesteps: T, stepsOffset } = config;
  checkCount(numInferenceSteps, T);
  const timesteps = spacings[timestepSpacing](T, numInferenceSteps, stepsOffset);
  checkFirst(timesteps, config);
  return timesteps;
}

/**
 * The timesteps of DPM-Solver and UniPC, which space one point more than there are steps, the last of them being the end
 * of the run; the first `last` timesteps of training are used.
 *
 * @throws RangeError as {@link spacedTimesteps}
 */
export function solverTimesteps(
  config: SamplerConfig,
  numInferenceSteps: number,
  last = config.numTrainTimesteps,
): number[] {
  const { timestepSpacing, numTrainTimesteps: T, stepsOffset } = config;
  checkCount(numInferenceSteps, T - 1);
  if (timestepSpacing === 'trailing')
    return spacings.trailing(T, numInferenceSteps, stepsOffset, last);
  const points = spacings[timestepSpacing](last, numInferenceSteps + 1, stepsOffset);
  const timesteps = points.slice(0, -1).map(roundHalfEven);
  checkFirst(timesteps, config);
  return timesteps;
}

/**
 * The timesteps of LCM and TCD: among those that the model was distilled on (Luo et al. 2023, section 4.3).
 *
 * @throws RangeError if there are more steps than that
 */
export function distilledTimesteps(config: SamplerConfig, numInferenceSteps: number): number[] {
  const { numTrainTimesteps: T, originalInferenceSteps: original } = config;
  checkCount(numInferenceSteps, Math.min(original, T));
  const stride = Math.floor(T / original);
  return Array.from({ length: numInferenceSteps }, (_, i) => {
    const k = Math.floor(i * (original / numInferenceSteps));
    return (original - k) * stride - 1;
  });
}
