import assert from 'node:assert/strict';
import { type Tensor, tensorCount } from '../../src/engine';

type Numbers = ArrayLike<number>;

function numbers(x: Tensor | Numbers | number): Numbers {
  if (typeof x === 'number') return [x];
  return 'dataSync' in x ? x.dataSync() : x;
}

/** Largest |a − b| and the scale it is judged by, the largest |b|. */
export function maxError(actual: Tensor | Numbers, expected: Tensor | Numbers) {
  const [a, b] = [numbers(actual), numbers(expected)];
  assert.equal(a.length, b.length, `length ${a.length}, expected ${b.length}`);
  let error = 0;
  let scale = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(Number(a[i]) - Number(b[i]));
    if (Number.isNaN(difference)) return { error: Number.NaN, scale };
    error = Math.max(error, difference);
    scale = Math.max(scale, Math.abs(Number(b[i])));
  }
  return { error, scale };
}

/** Relative L2 error ‖a − b‖ / ‖b‖ (‖a‖ where b is all zero). */
export function relativeL2(actual: Tensor | Numbers, expected: Tensor | Numbers): number {
  const [a, b] = [numbers(actual), numbers(expected)];
  assert.equal(a.length, b.length, `length ${a.length}, expected ${b.length}`);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (Number(a[i]) - Number(b[i])) ** 2;
    norm += Number(b[i]) ** 2;
  }
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
}

/** Fails unless every |a − b| ≤ atol + rtol · max|b|; NaN never passes. */
export function assertClose(
  actual: Tensor | Numbers | number,
  expected: Tensor | Numbers | number,
  { rtol = 1e-5, atol = 1e-7, label = 'value' } = {},
) {
  const { error, scale } = maxError(numbers(actual), numbers(expected));
  assert.ok(
    error <= atol + rtol * scale,
    `${label}: max |error| ${error}, allowed ${atol + rtol * scale} (scale ${scale})`,
  );
}

/** Runs `fn` and fails if it leaves more (or fewer) live tensors than it found. */
export function assertNoLeak(fn: () => void) {
  const before = tensorCount();
  fn();
  assert.equal(tensorCount(), before, 'tensors left alive');
}
