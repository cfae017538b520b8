// B pictures, N numbers in each
import { scoped, type Tensor } from '../engine';
import { joinedRows } from './rows';
import type { Limits } from './scheduler-config';

/**
 * Limits x̂_0, [B, …]: to ± `clipRange`, or by dynamic thresholding (Saharia et al. 2022, section 2.3), where s is the
 * given quantile of |x̂_0| in each picture, between 1 and `maxValue`: x̂_0 is clipped to ± s and divided by s.
 */
export const limited = scoped(
  'limited',
  (predOriginal: Tensor, { clipRange, threshold }: Limits): Tensor => {
    if (threshold === undefined)
      return clipRange === undefined ? predOriginal : predOriginal.clip(-clipRange, clipRange);
    const [B = 0, ...rest] = predOriginal.shape;
    const rows = Array.from({ length: B }, (_, b) =>
      predOriginal.slice([b, ...rest.map(() => 0)], [1, ...rest]),
    );
    const scaled = rows.map((row) => {
      const s = Math.min(Math.max(quantile(row.floats(), threshold.ratio), 1), threshold.maxValue);
      return row.clip(-s, s).div(s);
    });
    return joinedRows(scaled as [Tensor]);
  },
);

/** The quantile of the absolute values, linear between neighbours as `torch.quantile`. */
function quantile(values: Float32Array, ratio: number): number {
  const sorted = values.map(Math.abs).sort();
  const at = ratio * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below] ?? 0;
  return low + (at - below) * ((sorted[below + 1] ?? low) - low);
}
