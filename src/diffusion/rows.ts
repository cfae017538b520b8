import { concat, type Tensor } from '../engine';

/** Tensors [1, …] one below the other: [B, …]. TensorFlow joins no fewer than two. */
export const joinedRows = (rows: readonly [Tensor, ...Tensor[]]): Tensor =>
  rows.length === 1 ? rows[0] : concat(rows, 0);
