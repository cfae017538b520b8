import { type Border, conv2d as convolve, type Tensor, type WeightShape } from '../engine';

/** Weights of a two-dimensional convolution, `torch.nn.Conv2d`. */
export type Conv2d = {
  readonly weight: Tensor; // [kH, kW, in, out]
  readonly bias?: Tensor; // [out]
};

export interface Conv2dOptions {
  /** @default 1 */
  readonly stride?: 1 | 2;
  /** `same`: zeros so that stride 1 keeps H and W. @default 'same' */
  readonly padding?: 'same' | Border;
  /** Added to the result. [B, H′, W′, out] */
  readonly residual?: Tensor;
}

/**
 * Convolution (+ bias) (+ residual).
 * @param x [B, H, W, in]
 * @returns [B, H′, W′, out]
 */
export function conv2d(p: Conv2d, x: Tensor, options: Conv2dOptions = {}): Tensor {
  const { stride = 1, padding = 'same', residual } = options;
  return convolve(x, p.weight, { bias: p.bias, stride, padding, residual });
}

/** Names and PyTorch shapes of a square convolution with a bias. */
export function conv2dWeights(
  name: string,
  inputs: number,
  outputs: number,
  size = 3,
): WeightShape[] {
  return [
    [`${name}.weight`, [outputs, inputs, size, size]],
    [`${name}.bias`, [outputs]],
  ];
}
