import assert from 'node:assert/strict';
import { assertClose } from '../../support/assert';
import {
  BFLOAT16,
  bfloats,
  floats,
  free,
  ints,
  none,
  read,
  readBfloats,
  runOp,
  sequence,
} from './raw-ops';

const half = { T: BFLOAT16 };

/** The numbers of the only output of an op on bfloat16. */
function resultOf(op: string, inputs: readonly number[], attributes = {}): Float32Array {
  const [output] = runOp(op, inputs, 1, { ...half, ...attributes });
  assert.equal(output?.dtype, BFLOAT16);
  const data = readBfloats(output.id);
  free(output.id);
  return data;
}

/** `x` as bfloat16 represents it. */
function rounded(x: ArrayLike<number>): Float32Array {
  const id = bfloats(x);
  const data = readBfloats(id);
  free(id);
  return data;
}

describe('bfloat16 activations', () => {
  it('are rounded to the nearest, ties to even', () => {
    const ulp = 2 ** -7; // of numbers from 1 to 2
    const a = bfloats(new Float32Array(19).fill(1));
    const quarters = Float32Array.from({ length: 19 }, (_, i) => (i * ulp) / 4);
    const b = bfloats(quarters); // multiples of a quarter are exact in bfloat16
    const nearest = quarters.map((x) => {
      const [below, rest] = [Math.floor(x / ulp), x / ulp - Math.floor(x / ulp)];
      return 1 + ulp * (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below);
    });
    assert.deepEqual(resultOf('DpoAdd', [a, b]), nearest);
    free(a, b);
  });

  it('let NaN and infinity pass', () => {
    const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38];
    const [a, b] = [bfloats(odd), bfloats([1, 1, 1, 3e38])];
    const sums = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    assert.deepEqual([...resultOf('DpoAdd', [a, b])], [...sums, Number.POSITIVE_INFINITY]);
    assert.deepEqual([...resultOf('DpoSilu', [a])].slice(0, 2), sums.slice(0, 2));
    free(a, b);
  });

  it('are viewed, written and zeroed in place', () => {
    const [buffer, wanted, data] = [bfloats(sequence(96)), ints([3]), bfloats([5, 6])];
    const [view] = runOp('DpoView', [buffer, wanted], 1, { ...half, offset: 64 });
    assert.ok(view);
    assert.deepEqual(readBfloats(view.id), rounded(sequence(96).subarray(64, 67)));
    runOp('DpoWrite', [data, buffer], 0, { ...half, offset: 65 });
    assert.deepEqual([...readBfloats(view.id)].slice(1), [5, 6]);
    assert.throws(
      () => runOp('DpoView', [buffer, wanted], 1, { ...half, offset: 16 }),
      /of 32 in bfloat16/,
    );
    runOp('DpoZero', [view.id], 0, half);
    assert.deepEqual([...readBfloats(buffer).subarray(63, 67)].slice(1), [0, 0, 0]);
    free(buffer, wanted, data, view.id);
  });

  it('are added to float32 without another rounding', () => {
    const [rows, channels] = [77, 21];
    const x = rounded(sequence(rows * channels));
    const [src, dst] = [bfloats(x, [rows, channels]), floats(sequence(x.length, 2))];
    const acc = floats(new Float32Array(channels));
    runOp('DpoAccumulate', [src, dst], 0, half);
    assert.deepEqual(
      read(dst),
      sequence(x.length, 2).map((y, i) => y + (x[i] as number)),
    );
    runOp('DpoBiasGradInto', [src, acc], 0, half);
    const sums = new Float64Array(channels);
    for (const [i, value] of x.entries()) {
      sums[i % channels] = (sums[i % channels] as number) + value;
    }
    assertClose(read(acc), sums, { rtol: 1e-6 });
    free(src, dst, acc);
  });

  it('take a bias and a residual and are rounded once', () => {
    const [rows, channels] = [5, 19];
    const [x, r] = [rounded(sequence(95)), rounded(sequence(95, 3))];
    const bias = sequence(channels, 2);
    const ids = [bfloats(x, [rows, channels]), floats(bias), bfloats(r)];
    const sums = x.map(
      (value, i) => Math.fround(value + (bias[i % channels] as number)) + (r[i] as number),
    );
    assert.deepEqual(resultOf('DpoBiasResidual', ids), rounded(sums));
    const absent = none();
    const noResidual = bfloats([]);
    assert.deepEqual(
      resultOf('DpoBiasResidual', [ids[0] as number, absent, noResidual]),
      rounded(sums),
    );
    free(...ids, absent, noResidual);
  });
});
