/** The noise levels that a run steps down on, and the times that the model is told there. */
import { roundHalfEven } from '../data/round-half-even';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { geometric, ladders, sigmaAt, timestepOf, trainingSigmas } from './sigmas';
import { solverTimesteps, unroundedTimesteps } from './timesteps';

/** Noise levels in float32, as diffusers rounds them. */
export interface SigmaPath {
  /** Where the model is asked: one for each step; not always whole numbers. */
  readonly timesteps: readonly number[];
  /** σ at each of them, and where the last step ends. */
  readonly sigmas: readonly number[];
}

const float32 = (values: readonly number[]): number[] => values.map(Math.fround);

/** The path of the samplers of k-diffusion (Euler, Heun, LMS): a ladder spans the noise levels of the spaced timesteps. */
export function sigmaPath(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
): SigmaPath {
  const training = trainingSigmas(schedule);
  const spaced = float32(unroundedTimesteps(config, numInferenceSteps));
  const [least = 0, most = 0] = [training[0], training[training.length - 1]];
  const plain =
    config.interpolationType === 'log_linear'
      ? geometric(most, least, numInferenceSteps + 1)
      : spaced.map((t) => sigmaAt(training, t));

  const { sigmaLadder, sigmaMax = plain[0], sigmaMin = plain[plain.length - 1] } = config;
  const isPlain = sigmaLadder === 'plain';
  const steps = isPlain
    ? plain
    : ladders[sigmaLadder](sigmaMax ?? 0, sigmaMin ?? 0, numInferenceSteps);
  const sigmas = float32([...steps, config.finalSigmasType === 'zero' ? 0 : least]);
  if (config.timestepType === 'continuous' && config.predictionType === 'v_prediction')
    return {
      sigmas,
      timesteps: float32(sigmas.slice(0, -1).map((sigma) => 0.25 * Math.log(sigma))),
    };
  return {
    sigmas,
    timesteps: isPlain ? spaced : float32(steps.map((s) => timestepOf(training, s))),
  };
}

/** The path of DPM-Solver and UniPC: whole timesteps, and a ladder spans all noise levels of training. */
export function solverPath(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
): SigmaPath {
  const { sigmaLadder, finalSigmasType, lambdaMinClipped, sampler } = config;
  const training = trainingSigmas(schedule);
  const kept = training.filter((sigma) => -Math.log(sigma) >= lambdaMinClipped); // λ = ln(α/σ_t) = −ln σ
  const [least = 0, most = 0] = [training[0], training[training.length - 1]];
  const timesteps = solverTimesteps(config, numInferenceSteps, kept.length);
  if (sigmaLadder === 'plain') {
    const steps = timesteps.map((t) => sigmaAt(training, t));
    return { timesteps, sigmas: float32([...steps, finalSigmasType === 'zero' ? 0 : least]) };
  }
  const { sigmaMax = most, sigmaMin = least } = config;
  const steps = ladders[sigmaLadder](sigmaMax, sigmaMin, numInferenceSteps);
  const lastStep = sampler === 'unipc' ? (steps[steps.length - 1] ?? 0) : least;
  const times = steps.map((sigma) => timestepOf(training, sigma));
  return {
    timesteps: times.map(isRounded(config) ? roundHalfEven : Math.trunc),
    sigmas: float32([...steps, finalSigmasType === 'zero' ? 0 : lastStep]),
  };
}

/** diffusers rounds the times of some ladders and cuts off those of others. */
function isRounded({ sigmaLadder, sampler, betaSchedule }: SamplerConfig): boolean {
  const isCosine = sampler === 'dpmsolver_multistep' && betaSchedule === 'squaredcos_cap_v2';
  return (sigmaLadder === 'karras' || sigmaLadder === 'lu') && !isCosine;
}
