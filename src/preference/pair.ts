/** How a pair is laid out in a batch. B: pairs; rows 0…B−1 are preferred (W), rows B…2B−1 rejected (L). */
import { concat, type Tensor } from '../engine';

/** One draw for both images of a pair: [B, …] → [2B, …]. Same noise, time or text for W and L. */
export const forBothImages = (x: Tensor): Tensor => concat([x, x], 0);

/** The winners' and the losers' half: [2B, …] → [B, …], [B, …]. */
export function splitPair(x: Tensor): { readonly w: Tensor; readonly l: Tensor } {
  const [rows = 0, ...rest] = x.shape;
  if (rows % 2 !== 0)
    throw new RangeError(`Pairs come as two halves; ${rows} rows cannot be halved.`);
  const begin = (row: number) => [row, ...rest.map(() => 0)];
  const size = [rows / 2, ...rest];
  return { w: x.slice(begin(0), size), l: x.slice(begin(rows / 2), size) };
}

/** Mean squared error of every row: [N, …] → [N]. Upstream: train.py:1123, `.mean(dim=[1, 2, 3])`. */
export function perRowMse(prediction: Tensor, target: Tensor): Tensor {
  const [rows = 0] = prediction.shape;
  return prediction.sub(target).square().reshape([rows, -1]).mean(1);
}
