import { type Border, scoped, type Tensor } from '../engine';
import { type Conv2d, conv2d } from './conv2d';

/**
 * Convolution with stride 2 after an explicit border of zeros: (1, 1) in the UNet, (0, 1) in the
 * autoencoder's encoder.
 * @param x [B, H, W, C]
 * @returns [B, ⌊(H + before + after − 1) / 2⌋, …, C]
 */
export const downsample = scoped(
  'downsample',
  (p: { readonly conv: Conv2d }, x: Tensor, { border }: { border: Border }): Tensor =>
    conv2d(p.conv, x, { stride: 2, padding: border }),
);
