import { roundHalfEven } from '../data/round-half-even';
import type { SamplerConfig } from './scheduler-config';

/** Table 2 of Lin et al. 2023: where in 0 … T−1 the `count` timesteps lie, in descending order. */
const spacings = {
  leading: (T: number, count: number, offset: number) =>
    Array.from({ length: count }, (_, i) => (count - 1 - i) * Math.floor(T / count) + offset),
  // numpy's arange: the difference of its first two values is the stride, rounding errors included
  trailing: (T: number, count: number) => {
    const stride = T - T / count - T;
    return Array.from({ length: count }, (_, i) => roundHalfEven(T + i * stride) - 1);
  },
  linspace: (T: number, count: number) => {
    const stride = (T - 1) / Math.max(count - 1, 1);
    return Array.from({ length: count }, (_, i) =>
      i === 0 && count > 1 ? T - 1 : roundHalfEven((count - 1 - i) * stride),
    );
  },
};

/**
 * The timesteps of a run with `numInferenceSteps` steps, in the order in which they are visited.
 *
 * @throws RangeError if there are more steps than the model has timesteps, or an offset leads past the last one.
 */
export function spacedTimesteps(
  { timestepSpacing, numTrainTimesteps: T, stepsOffset }: SamplerConfig,
  numInferenceSteps: number,
): number[] {
  if (!Number.isInteger(numInferenceSteps) || numInferenceSteps < 1 || numInferenceSteps > T)
    throw new RangeError(
      `numInferenceSteps is ${numInferenceSteps}; the model has timesteps for 1 to ${T}.`,
    );
  const timesteps = spacings[timestepSpacing](T, numInferenceSteps, stepsOffset);
  const first = timesteps[0] ?? 0;
  if (first >= T)
    throw new RangeError(
      `With ${numInferenceSteps} steps and steps_offset ${stepsOffset} the first timestep is ${first}, ` +
        `but the model was trained on 0 … ${T - 1}.`,
    );
  return timesteps;
}
