import { pad, scoped, type Tensor } from '../engine';
import { type Conv2d, conv2d } from './conv2d';

/** Zeros before and after each of H and W. */
export type Border = readonly [before: number, after: number];

/**
 * Convolution with stride 2 after an explicit border of zeros: (1, 1) in the UNet, (0, 1) in the
 * autoencoder's encoder. TensorFlow's own `same` would put (0, 1) on even sizes and (1, 1) on odd.
 * @param x [B, H, W, C]
 * @returns [B, ⌊(H + before + after − 1) / 2⌋, …, C]
 */
export const downsample = scoped(
  'downsample',
  (p: { readonly conv: Conv2d }, x: Tensor, options: { border: Border }): Tensor => {
    const { border } = options;
    const padded = pad(x, [[0, 0], border, border, [0, 0]]);
    return conv2d(p.conv, padded, { stride: 2, padding: 'valid' });
  },
);
