/** Noise schedules as arrays. B: rows (pictures), the rest of a shape is the picture's own. */
import { scoped, type Tensor, tensor } from '../engine';
import { betaFields, type SamplerConfig, type SchedulerConfig } from './scheduler-config';
import { refuse } from './scheduler-fields';

/** How much of the picture is left at each timestep, and what the model was trained to predict. */
export interface NoiseSchedule {
  readonly numTrainTimesteps: number;
  /** ᾱ_t for t = 0 … T−1: for training in double precision, for samplers in diffusers' float32. */
  readonly alphasCumprod: Float64Array;
  readonly predictionType: SamplerConfig['predictionType'];
}

/** Rounding after each operation: none, or to float32 where diffusers' tensors are rounded. */
type Round = (x: number) => number;
const exact: Round = (x) => x;

/** `count` numbers from `start` to `end`, both included, each half counted from its own end as `torch.linspace` does. */
function linspace(start: number, end: number, count: number, round: Round): Float64Array {
  const [first, last] = [round(start), round(end)];
  const step = round(round(last - first) / (count - 1));
  return Float64Array.from({ length: count }, (_, i) =>
    round(i < count / 2 ? first + i * step : last - (count - 1 - i) * step),
  );
}

/** β_t of Ho et al. 2020 (linear), of latent diffusion (linear in √β), of Nichol and Dhariwal 2021 (cosine). */
const betaRules = {
  linear: linspace,
  scaled_linear: (start: number, end: number, count: number, round: Round) =>
    linspace(Math.sqrt(start), Math.sqrt(end), count, round).map((x) => round(x * x)),
  squaredcos_cap_v2: (_start: number, _end: number, count: number, round: Round) => {
    const alphaBar = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
    return Float64Array.from({ length: count }, (_, i) =>
      round(Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999)),
    );
  },
};

/** ᾱ_t = Π (1 − β_s); the product itself is never rounded, as in torch. */
function cumulated(betas: Float64Array, round: Round): Float64Array {
  let product = 1;
  return betas.map((beta) => {
    product *= round(1 - beta);
    return round(product);
  });
}

/** β after √ᾱ is stretched so that nothing of the picture is left at the last timestep (Lin et al. 2023, Algorithm 1). */
function zeroTerminalSnr(alphasCumprod: Float64Array, round: Round): Float64Array {
  const roots = alphasCumprod.map((alpha) => round(Math.sqrt(alpha)));
  const [first, last] = [roots[0] ?? 0, roots[roots.length - 1] ?? 0];
  const scale = round(first / round(first - last));
  const stretched = roots.map((x) => round(round(round(x - last) * scale) ** 2));
  return stretched.map((alpha, t) =>
    round(1 - round(t === 0 ? alpha : alpha / (stretched[t - 1] ?? 1))),
  );
}

/**
 * The noise schedule of a `scheduler_config.json` (whatever sampler it names): ᾱ_t = Π (1 − β_s).
 *
 * @throws SchedulerConfigError naming a field that is not supported.
 */
export function noiseSchedule(config: SchedulerConfig): NoiseSchedule {
  const fields = betaFields(config);
  if (fields.predictionType === 'sample')
    refuse('prediction_type', 'sample', 'epsilon, v_prediction');
  return scheduleOf(fields, exact);
}

/** The noise schedule of checked fields. Samplers round it as diffusers does, for they magnify the roundings. */
export function scheduleOf(
  fields: ReturnType<typeof betaFields>,
  round: Round = Math.fround,
): NoiseSchedule {
  const { betaSchedule, betaStart, betaEnd, numTrainTimesteps, predictionType } = fields;
  const betas = betaRules[betaSchedule](betaStart, betaEnd, numTrainTimesteps, round);
  const alphasCumprod = cumulated(betas, round);
  return {
    numTrainTimesteps,
    alphasCumprod: fields.rescaleBetasZeroSnr
      ? cumulated(zeroTerminalSnr(alphasCumprod, round), round)
      : alphasCumprod,
    predictionType,
  };
}

/** ᾱ_t. @throws RangeError where t is not an integer in 0 … T−1. */
export function alphaCumprodAt({ alphasCumprod }: NoiseSchedule, timestep: number): number {
  const alpha = alphasCumprod[timestep];
  if (alpha === undefined)
    throw new RangeError(
      `Timestep ${timestep} is outside the noise schedule, 0 … ${alphasCumprod.length - 1}.`,
    );
  return alpha;
}

/** ᾱ at a timestep, and before the first one: 1, or ᾱ_0 where `set_alpha_to_one` is false. */
export const alphaOrFinal = (
  schedule: NoiseSchedule,
  timestep: number,
  { setAlphaToOne }: { readonly setAlphaToOne: boolean },
): number => (timestep < 0 && setAlphaToOne ? 1 : alphaCumprodAt(schedule, Math.max(timestep, 0)));

/** √ᾱ_t and √(1 − ᾱ_t) of each row, shaped to multiply `like` [B, …]. */
function rowCoefficients(schedule: NoiseSchedule, timesteps: readonly number[], like: Tensor) {
  const [rows = 0, ...rest] = like.shape;
  if (timesteps.length !== rows)
    throw new RangeError(`${timesteps.length} timesteps were given for ${rows} rows.`);
  const shape = [rows, ...rest.map(() => 1)]; // [B, 1, …]
  const alphas = timesteps.map((t) => alphaCumprodAt(schedule, t));
  return {
    signal: tensor(alphas.map(Math.sqrt), shape),
    noise: tensor(
      alphas.map((alpha) => Math.sqrt(1 - alpha)),
      shape,
    ),
  };
}

/**
 * x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε, each row at its own timestep (Ho et al. 2020, eq. 4).
 * `latents`, `noise` and the result: [B, …]; `timesteps`: B integers.
 */
export const addNoise = scoped(
  'addNoise',
  (schedule: NoiseSchedule, latents: Tensor, noise: Tensor, timesteps: readonly number[]) => {
    const coefficients = rowCoefficients(schedule, timesteps, latents);
    return latents.mul(coefficients.signal).add(noise.mul(coefficients.noise));
  },
);

/**
 * v = √ᾱ_t ε − √(1 − ᾱ_t) x_0, what a v-predicting model is trained to give (Salimans and Ho 2022, appendix D).
 * Shapes as in `addNoise`.
 */
export const velocity = scoped(
  'velocity',
  (schedule: NoiseSchedule, latents: Tensor, noise: Tensor, timesteps: readonly number[]) => {
    const coefficients = rowCoefficients(schedule, timesteps, latents);
    return noise.mul(coefficients.signal).sub(latents.mul(coefficients.noise));
  },
);
