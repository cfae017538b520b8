/** Noise levels σ = √((1 − ᾱ)/ᾱ): those of training, and ladders of them to step down on. */
import { betaQuantile } from './beta-quantile';
import type { NoiseSchedule } from './schedule';
import type { SigmaLadder } from './scheduler-fields-sigma';

/** σ of each training timestep, ascending, in float32 as diffusers keeps it. Zero terminal SNR ends at ᾱ = 2⁻²⁴, not at infinity. */
export const trainingSigmas = ({ alphasCumprod }: NoiseSchedule): Float32Array =>
  Float32Array.from(alphasCumprod, (alpha) => {
    const kept = alpha === 0 ? 2 ** -24 : alpha;
    return Math.sqrt(Math.fround(Math.fround(1 - kept) / kept));
  });

/** σ at a timestep, also between two of training; the last σ beyond them (numpy's `interp`). */
export function sigmaAt(sigmas: Float32Array, timestep: number): number {
  const last = sigmas.length - 1;
  const t = Math.min(Math.max(timestep, 0), last);
  const below = Math.min(Math.floor(t), last - 1);
  const [low = 0, high = 0] = sigmas.subarray(below, below + 2);
  return low + (t - below) * (high - low);
}

/** The timestep with noise level σ: linear in ln σ between those of training. */
export function timestepOf(sigmas: Float32Array, sigma: number): number {
  const log = Math.log(Math.max(sigma, 1e-10));
  let below = 0;
  while (below < sigmas.length - 2 && logOf(sigmas, below + 1) <= log) below++;
  const [low, high] = [logOf(sigmas, below), logOf(sigmas, below + 1)];
  const along = Math.min(Math.max((low - log) / (low - high), 0), 1);
  return (1 - along) * below + along * (below + 1);
}

const logOf = (sigmas: Float32Array, i: number) => Math.fround(Math.log(sigmas[i] ?? 0));

const RHO = 7; // Karras et al. 2022, appendix D.1

/** 0 … 1 in `count` steps. */
const ramp = (count: number) =>
  Array.from({ length: count }, (_, i) => (count === 1 ? 0 : i / (count - 1)));

/**
 * `count` noise levels from `max` down to `min`: even in σ^(1/7) (Karras et al. 2022, eq. 5), in ln σ
 * (`exponential`; `lu`: Lu et al. 2022, section 4.1), or as quantiles of Beta(0.6, 0.6) (Lee et al. 2024).
 */
export const ladders = {
  karras: (max: number, min: number, count: number) =>
    ramp(count).map((r) => {
      const [from, to] = [max ** (1 / RHO), min ** (1 / RHO)];
      return (from + r * (to - from)) ** RHO;
    }),
  exponential: geometric,
  lu: geometric,
  beta: (max: number, min: number, count: number) =>
    ramp(count).map((r) => min + betaQuantile(1 - r, 0.6) * (max - min)),
} satisfies Record<
  Exclude<SigmaLadder, 'plain'>,
  (max: number, min: number, count: number) => number[]
>;

/** `count` numbers from `max` to `min`, each the same fraction of the one before. */
export function geometric(max: number, min: number, count: number): number[] {
  const [from, to] = [Math.log(max), Math.log(min)];
  return ramp(count).map((r) => Math.exp(from + r * (to - from)));
}
