import { silu, type Tensor, tensor, type WeightShape } from '../engine';
import { type Linear, linear, linearWeights } from './linear';

/** Weights of diffusers' `TimestepEmbedding`. */
export type TimestepEmbedding = { readonly linear_1: Linear; readonly linear_2: Linear };

export interface SinusoidOptions {
  /** Width of the embedding. */
  readonly channels: number;
  /** cos before sin, as Stable Diffusion has it. */
  readonly order: 'cos-sin' | 'sin-cos';
  /** Shortens the geometric row of frequencies; 0 in Stable Diffusion, 1 in the DDPM paper. */
  readonly freqShift: number;
}

/**
 * Sinusoidal position of each time step, computed on the host with float32 rounding after each
 * step as PyTorch rounds. Source: Ho et al. 2020, appendix B; Vaswani et al. 2017, section 3.5.
 * @param timesteps one number per row
 * @returns [timesteps.length, channels]
 */
export function sinusoid(timesteps: ArrayLike<number>, options: SinusoidOptions): Tensor {
  const { channels, order, freqShift } = options;
  const half = Math.floor(channels / 2);
  const values = new Float32Array(timesteps.length * channels); // an odd last channel stays 0
  const [sinAt, cosAt] = order === 'cos-sin' ? [half, 0] : [0, half];
  for (let i = 0; i < half; i++) {
    const exponent = Math.fround(Math.fround(-Math.log(10000)) * i);
    const frequency = Math.fround(Math.exp(Math.fround(exponent / (half - freqShift))));
    for (let row = 0; row < timesteps.length; row++) {
      const angle = Math.fround((timesteps[row] ?? 0) * frequency);
      values[row * channels + sinAt + i] = Math.sin(angle);
      values[row * channels + cosAt + i] = Math.cos(angle);
    }
  }
  return tensor(values, [timesteps.length, channels]);
}

/**
 * Two linear layers around a SiLU.
 * @param x [B, in]
 * @returns [B, D]
 */
export function timestepEmbedding(p: TimestepEmbedding, x: Tensor): Tensor {
  return linear(p.linear_2, silu(linear(p.linear_1, x)));
}

/** Names and PyTorch shapes. */
export function timestepEmbeddingWeights(
  name: string,
  inputs: number,
  outputs: number,
): WeightShape[] {
  return [
    ...linearWeights(`${name}.linear_1`, inputs, outputs),
    ...linearWeights(`${name}.linear_2`, outputs, outputs),
  ];
}
