/** PNDM (Liu, Ren, Lin and Zhao 2022, arXiv 2202.09778). All tensors: latents [B, h, w, C]. */
import { scoped, type Tensor } from '../engine';
import { type PndmMove, plmsMoves, plmsTimesteps, prkMoves } from './pndm-moves';
import { mixture, readPrediction } from './prediction';
import { alphaFrame, type RunOptions, type SamplerRun, type SamplerStep } from './sampler-run';
import { alphaOrFinal, type NoiseSchedule } from './schedule';
import type { PredictionType, SamplerConfig } from './scheduler-config';
import { spacedTimesteps } from './timesteps';
import { weightedSum } from './weighted-sum';

/** The numbers of one transfer. */
export interface TransferStep {
  /** ᾱ where the sample is */
  readonly alpha: number;
  /** ᾱ where it goes */
  readonly alphaPrev: number;
  readonly predictionType: PredictionType;
}

/** The transfer φ of equation 9: `sample` from ᾱ = `alpha` to ᾱ = `alphaPrev` along a prediction. */
export const pndmTransfer = scoped(
  'pndmTransfer',
  (modelPred: Tensor, sample: Tensor, step: TransferStep): SamplerStep => {
    const { alpha, alphaPrev, predictionType } = step;
    const reading = readPrediction(predictionType, modelPred, sample, mixture(alpha));
    const denominator =
      alpha * Math.sqrt(1 - alphaPrev) + Math.sqrt(alpha * (1 - alpha) * alphaPrev);

    const prevSample = sample
      .mul(Math.sqrt(alphaPrev / alpha))
      .sub(reading.noisePred.mul((alphaPrev - alpha) / denominator));
    return { prevSample, predOriginal: reading.predOriginal };
  },
);

/** What an evaluation saw and said. */
interface Evaluation {
  readonly modelPred: Tensor;
  readonly sample: Tensor;
}

/** The evaluations that later moves still need; it holds its own reference to each tensor. */
class Memory {
  private readonly kept = new Map<number, Evaluation>();

  constructor(private readonly moves: readonly PndmMove[]) {}

  add(index: number, { modelPred, sample }: Evaluation): void {
    this.kept.set(index, { modelPred: modelPred.retain(), sample: sample.retain() });
  }

  at(index: number): Evaluation {
    const evaluation = this.kept.get(index);
    if (!evaluation) throw new RangeError(`PNDM step ${index} was not made: steps go in order.`);
    return evaluation;
  }

  /** Lets go of what no move after number `index` refers to. */
  forgetAfter(index: number): void {
    const needed = this.moves
      .slice(index + 1)
      .flatMap(({ start, combine }) => [start, ...combine.map(([evaluation]) => evaluation)]);
    for (const [evaluation, { modelPred, sample }] of this.kept) {
      if (needed.includes(evaluation)) continue;
      modelPred.release();
      sample.release();
      this.kept.delete(evaluation);
    }
  }
}

/** @throws RangeError for Runge–Kutta steps that would begin in the middle */
function plannedMoves(config: SamplerConfig, numInferenceSteps: number, begin: number) {
  const stride = Math.floor(config.numTrainTimesteps / numInferenceSteps);
  const timesteps = spacedTimesteps(config, numInferenceSteps);
  if (config.skipPrkSteps) return plmsMoves(plmsTimesteps(timesteps).slice(begin), stride);
  if (begin > 0)
    throw new RangeError(
      'PNDM with Runge–Kutta steps (skip_prk_steps false) cannot begin in the middle; choose another scheduler.',
    );
  return prkMoves(timesteps, stride);
}

/** A PNDM run. Without Runge–Kutta steps it asks the model once more than there are steps, with them nine times more. */
export function startPndm(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0 }: RunOptions,
): SamplerRun {
  const moves = plannedMoves(config, numInferenceSteps, begin);
  const memory = new Memory(moves);

  const follow = scoped('pndmStep', (move: PndmMove) => {
    const terms = move.combine.map(([e, weight]) => [memory.at(e).modelPred, weight] as const);
    return pndmTransfer(weightedSum(terms), memory.at(move.start).sample, {
      alpha: alphaOrFinal(schedule, move.from, config),
      alphaPrev: alphaOrFinal(schedule, move.to, config),
      predictionType: config.predictionType,
    });
  });
  const timesteps = moves.map((move) => move.timestep);
  return {
    ...alphaFrame(schedule, timesteps, 0),
    step(index, modelPred, sample) {
      const move = moves[index];
      if (!move) throw new RangeError(`PNDM has no step ${index}; there are ${moves.length}.`);
      memory.add(index, { modelPred, sample });
      const result = follow(move);
      memory.forgetAfter(index);
      return result;
    },
    dispose: () => memory.forgetAfter(moves.length),
  };
}
