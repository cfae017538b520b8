/** The random part of noising. N rows: 2B for pairs (winners, then losers), B for winners alone. */
import type { NoiseSchedule } from '../diffusion';
import { type Tensor, tensor } from '../engine';
import { forBothImages, splitPair } from '../preference';
import type { TorchGenerator } from '../random';

/** Times that are trained: all; the four of a turbo model, {249, 499, 749, 999}; a refiner's, below 200. */
export type TimestepRule = 'all' | 'turbo' | 'refiner';

export interface NoisingOptions {
  /** Size of a shift that is drawn for each channel of each picture and added to its noise. @default 0 */
  readonly noiseOffset?: number;
  /** Size of further noise that is added to the latents but is no part of the target. @default 0 */
  readonly inputPerturbation?: number;
  /**
   * When the further noise is added: `before pairing`, to each picture's own noise, so that a loser is noised with ε_l
   * and scored against ε_w, as the original does; `after pairing`, the same to both. @default 'after pairing'
   */
  readonly perturbationOrder?: 'before pairing' | 'after pairing';
  /** @default 'all' */
  readonly timesteps?: TimestepRule;
  /**
   * Whether turbo is trained at t = 999, where nothing is left of the picture: winner and loser are the same noise, and
   * a quarter of the pairs teach nothing. @default 'skipped'
   */
  readonly turboLastTimestep?: 'kept' | 'skipped';
}

/** [N, h, w, C] each. */
export interface DrawnNoise {
  /** What the model should find. */
  readonly noise: Tensor;
  /** What is added to the latents. */
  readonly addedNoise: Tensor;
}

/**
 * Noise of N rows; the losers' half is drawn, and then replaced by the winners'. `randn_like` of channels-last latents:
 * the serial generator, in memory order N, h, w, C. Upstream: train.py:1032–1041, 1055.
 *
 * @param shape [N, h, w, C]
 */
export function drawNoise(
  generator: TorchGenerator,
  shape: readonly [number, number, number, number],
  rows: 'pairs' | 'winners',
  { noiseOffset = 0, inputPerturbation = 0, perturbationOrder }: NoisingOptions = {},
): DrawnNoise {
  const [N, h, w, C] = shape;
  const paired = (x: Tensor) => (rows === 'pairs' ? forBothImages(splitPair(x).w) : x);
  const serial = () => tensor(generator.randnSerial(N * h * w * C), shape);

  const plain = serial();
  const offset = noiseOffset ? tensor(generator.randn(N * C), [N, 1, 1, C]).mul(noiseOffset) : 0;
  const drawn = plain.add(offset);
  const noise = paired(drawn);
  if (!inputPerturbation) return { noise, addedNoise: noise };

  const further = serial().mul(inputPerturbation);
  const ownNoise = perturbationOrder === 'before pairing';
  return { noise, addedNoise: ownNoise ? drawn.add(further) : noise.add(paired(further)) };
}

/**
 * Times of N rows; for pairs the losers' half is drawn, and then replaced by the winners'.
 * Upstream: train.py:1043–1054.
 */
export function drawTimesteps(
  generator: TorchGenerator,
  { numTrainTimesteps }: NoiseSchedule,
  count: number,
  rows: 'pairs' | 'winners',
  { timesteps = 'all', turboLastTimestep = 'skipped' }: NoisingOptions = {},
): readonly number[] {
  const steps = turboLastTimestep === 'kept' ? 4 : 3;
  const rules: Record<TimestepRule, (t: number) => number> = {
    all: (t) => t,
    turbo: (t) => 250 * (t % steps) + 249,
    refiner: (t) => t % 200, // the first fifth
  };
  const drawn = Array.from(generator.randint(0, numTrainTimesteps, count), rules[timesteps]);
  if (rows === 'winners') return drawn;
  const times = drawn.slice(0, count / 2);
  return [...times, ...times];
}
