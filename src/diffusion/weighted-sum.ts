import { scoped, type Tensor } from '../engine';

/** Σ weight · tensor, in the order given; all of one shape. */
export const weightedSum = scoped(
  'weightedSum',
  (terms: readonly (readonly [tensor: Tensor, weight: number])[]): Tensor =>
    terms.map(([tensor, weight]) => tensor.mul(weight)).reduce((sum, term) => sum.add(term)),
);
