/** Adafactor on one weight: which means it keeps, and its step from TensorFlow's own operations. */
import { sizeOf } from './dtype';
import type { Tensor } from './tensor';

/** Adafactor's numbers for one step. */
export interface AdafactorStep {
  readonly learningRate: number;
  /** How much of the second moments is kept. */
  readonly beta2: number;
  /** Added to the squares of gradients. */
  readonly epsilon: number;
  /** Root mean square that an update may have. */
  readonly clipThreshold: number;
  readonly weightDecay: number;
  /** Factor on the gradient (norm clipping). */
  readonly gradScale: number;
}

/** The numbers in the order of the `DpoAdafactor` kernel. */
export function adafactorHyper(step: AdafactorStep): readonly number[] {
  const { learningRate, beta2, epsilon, clipThreshold, weightDecay, gradScale } = step;
  const [leastScale, scaleParameter] = [1e-3, 0]; // the rate is absolute
  return [
    ...[learningRate, beta2, epsilon, leastScale],
    ...[clipThreshold, weightDecay, scaleParameter, gradScale],
  ];
}

/**
 * Shapes of the means of squares that are kept of a weight: over the columns of its matrices, and over their rows.
 * PyTorch's Adafactor takes the last two axes as a matrix, which of a convolution's [out, in, kH, kW] are kH × kW; ours
 * is [kH, kW, in, out]. Of a vector all squares are kept: it is one row, whose own mean nobody needs.
 *
 * @throws RangeError for a weight of another rank
 */
export function adafactorShapes(shape: readonly number[]) {
  const [first = 1, second = 1, ...rest] = shape;
  if (shape.length <= 1) return { row: [1], column: [sizeOf(shape)] };
  if (shape.length === 2 || shape.length === 4)
    return { row: [first, ...rest], column: [second, ...rest] };
  throw new RangeError(
    `Adafactor takes vectors, matrices and convolutions; got a weight of shape [${shape}].`,
  );
}

/** Means of the squared gradient, flat: see `adafactorShapes`. */
export function secondMoments(g: Tensor, { epsilon }: AdafactorStep) {
  const square = g.square().add(epsilon);
  const { row, column } = adafactorShapes(g.shape);
  if (g.rank <= 1) return { row: square.mean().reshape(row), column: square.reshape(column) };
  return {
    row: square.mean(1).reshape([sizeOf(row)]),
    column: square.mean(0).reshape([sizeOf(column)]),
  };
}

/**
 * What is taken from a weight, and what is kept of it before that: w ← keep · w − update (Shazeer and Stern 2018,
 * arXiv 1804.04235, algorithms 4 and 5, without relative step sizes). `row`, `column`: the decayed means, flat.
 */
export function adafactorUpdate(
  weight: Tensor,
  g: Tensor,
  { row, column }: { readonly row: Tensor; readonly column: Tensor },
  { learningRate, clipThreshold, weightDecay }: AdafactorStep,
) {
  const shapes = adafactorShapes(weight.shape);
  const [rows = 1, ...rest] = shapes.row;
  const r = row.reshape(shapes.row); // [R, …]
  const rFactor = r.div(r.mean(0, { keepDims: true })).sqrt();
  const cFactor = column.reshape(shapes.column).sqrt(); // [C, …]
  const matrix = [rows, shapes.column[0] ?? 1, ...rest]; // a vector as one row

  const u = g.reshape(matrix).div(rFactor.expandDims(1)).div(cFactor);
  const excess = u.square().mean().sqrt().div(clipThreshold).maximum(1);
  const update = u.div(excess).mul(learningRate);
  return { keep: 1 - weightDecay * learningRate, update: update.reshape(weight.shape) };
}
