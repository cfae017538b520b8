import assert from 'node:assert/strict';
import { assertClose } from '../../support/assert';
import {
  BFLOAT16,
  bfloats,
  FLOAT,
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

describe('bfloat16 products', () => {
  const [rows, size, out] = [7, 33, 50];
  const conv = { stride: 1, same: true };

  /** An op's result with its weight given in float32 and with the weight rounded before. */
  function bothWeights(op: string, x: number, shape: readonly number[], rest: readonly number[]) {
    const weights = sequence(
      shape.reduce((a, b) => a * b, 1),
      5,
    );
    const [master, copy] = [floats(weights, shape), bfloats(weights, shape)];
    const settings = op.startsWith('DpoConv') ? conv : {};
    const results = [master, copy].map((w, i) =>
      resultOf(op, [x, w, ...rest], { ...settings, W: i === 0 ? FLOAT : BFLOAT16 }),
    );
    free(master, copy);
    return results;
  }

  it('round a float32 weight as a copy of it in bfloat16 would be', () => {
    const [bias, residual] = [floats(sequence(out, 2)), bfloats([])];
    const x = bfloats(sequence(rows * size), [rows, size]);
    const dy = bfloats(sequence(rows * out), [rows, out]);
    const picture = bfloats(sequence(2 * 5 * 4 * size), [2, 5, 4, size]);
    const gradient = bfloats(sequence(2 * 5 * 4 * out), [2, 5, 4, out]);
    for (const [master, copy] of [
      bothWeights('DpoLinear', x, [out, size], [bias, residual]),
      bothWeights('DpoLinearInputGrad', dy, [out, size], []),
      bothWeights('DpoConv', picture, [3, 3, size, out], [bias, residual]),
      bothWeights('DpoConvInputGrad', gradient, [3, 3, size, out], [picture]),
    ]) {
      assert.deepEqual(master, copy);
    }
    free(bias, residual, x, dy, picture, gradient);
  });

  it('let NaN and infinity pass to what depends on them, and to nothing else', () => {
    const values = sequence(rows * size);
    values[size] = Number.NaN;
    values[3 * size - 1] = Number.POSITIVE_INFINITY; // last of an odd number
    const [x, absent, residual] = [bfloats(values, [rows, size]), none(), bfloats([])];
    const w = floats(sequence(out * size, 2).map(Math.abs), [out, size]);
    const y = resultOf('DpoLinear', [x, w, absent, residual]);
    for (let row = 0; row < rows; row++) {
      const found = y.subarray(row * out, (row + 1) * out);
      if (row === 1) assert.ok(found.every(Number.isNaN));
      else if (row === 2) assert.ok(found.every((v) => v === Number.POSITIVE_INFINITY));
      else assert.ok(found.every(Number.isFinite));
    }
    free(x, absent, residual, w);
  });

  it('give the same bits again', () => {
    const x = bfloats(sequence(2 * 70 * 24), [2, 70, 24]);
    const attributes = { ...half, heads: 3, causal: true };
    const run = () => {
      const outputs = runOp('DpoAttention', [x, x, x], 2, attributes);
      const [o = 0, logSumExp = 0] = outputs.map(({ id }) => id);
      const grads = runOp('DpoAttentionGrad', [x, x, x, x, o, logSumExp], 3, attributes);
      const [acc, biasAcc] = [floats(new Float32Array(24 * 24)), none()];
      runOp('DpoLinearWeightGradInto', [x, o, acc, biasAcc], 0, half);
      const found = [readBfloats(o), ...grads.map(({ id }) => readBfloats(id)), read(acc)];
      free(o, logSumExp, acc, biasAcc, ...grads.map(({ id }) => id));
      return found;
    };
    assert.deepEqual(run(), run());
    free(x);
  });
});
