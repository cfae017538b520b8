import { scoped, type Tensor, upsampleNearest2x } from '../engine';
import { type Conv2d, conv2d } from './conv2d';

/**
 * Nearest-neighbour doubling, cut to `size` where the way down met an odd size, then a convolution.
 * @param x [B, H, W, C]
 * @param options.size rows and columns of the result; each 2H or 2H − 1. @default [2H, 2W]
 * @returns [B, size[0], size[1], C]
 */
export const upsample = scoped(
  'upsample',
  (
    p: { readonly conv: Conv2d },
    x: Tensor,
    options: { size?: readonly [number, number] } = {},
  ): Tensor => {
    const [B = 0, H = 0, W = 0, C = 0] = x.shape;
    const [rows, columns] = options.size ?? [2 * H, 2 * W];
    const doubled = upsampleNearest2x(x); // [B, 2H, 2W, C]
    const isWhole = rows === 2 * H && columns === 2 * W;
    return conv2d(p.conv, isWhole ? doubled : doubled.slice([0, 0, 0, 0], [B, rows, columns, C]));
  },
);
