import assert from 'node:assert/strict';
import { assertClose } from '../../support/assert';
import { floats, free, ints, none, read, runOp, sequence } from './raw-ops';

/** A view of `buffer` at `offset`. */
function view(buffer: number, offset: number, shape: readonly number[]) {
  const wanted = ints(shape);
  const [result] = runOp('DpoView', [buffer, wanted], 1, { offset });
  assert.ok(result);
  free(wanted);
  return result;
}

describe('DpoReshape', () => {
  const reshaped = (x: number, shape: readonly number[]) => {
    const wanted = ints(shape);
    try {
      const [result] = runOp('DpoReshape', [x, wanted], 1);
      assert.ok(result);
      return result;
    } finally {
      free(wanted);
    }
  };

  it('is the same memory, which stays when its first shape goes', () => {
    const x = floats(sequence(24));
    const y = reshaped(x, [2, 3, 4]);
    const none = reshaped(x, [24, 1]);
    assert.deepEqual(
      [y.shape, none.shape],
      [
        [2, 3, 4],
        [24, 1],
      ],
    );
    const data = floats([7]);
    runOp('DpoWrite', [data, y.id], 0, { offset: 5 });
    assert.equal(read(x)[5], 7);
    free(x, none.id);
    const others = Array.from({ length: 8 }, () => floats(new Float32Array(24)));
    assert.deepEqual(read(y.id), sequence(24).fill(7, 5, 6));
    free(y.id, data, ...others);
  });

  it('has a scalar of one element, and nothing in any shape of nothing', () => {
    const [one, nothing] = [floats([3]), floats([])];
    const [scalar, empty] = [reshaped(one, []), reshaped(nothing, [2, 0, 3])];
    assert.deepEqual([scalar.shape, empty.shape], [[], [2, 0, 3]]);
    assert.deepEqual([...read(scalar.id), ...read(empty.id)], [3]);
    free(one, nothing, scalar.id, empty.id);
  });

  it('refuses a shape of another size, and what is no shape', () => {
    const x = floats(sequence(6));
    assert.throws(() => reshaped(x, [2, 4]), /DpoReshape: input 0 must have 8 elements, it has 6/);
    assert.throws(() => reshaped(x, [-2, -3]), /DpoReshape: a dimension is negative/);
    assert.throws(() => reshaped(x, [1, 1, 1, 1, 1, 1, 1, 2, 3]), /more than eight dimensions/);
    free(x);
  });
});

describe('DpoView', () => {
  it('shares the memory of its buffer in both directions', () => {
    const buffer = floats(sequence(64));
    const part = view(buffer, 16, [2, 3]);
    assert.deepEqual(part.shape, [2, 3]);
    assert.deepEqual(read(part.id), sequence(64).subarray(16, 22));
    const data = floats([7]);
    runOp('DpoWrite', [data, buffer], 0, { offset: 17 });
    assert.equal(read(part.id)[1], 7);
    runOp('DpoWrite', [data, part.id], 0, { offset: 5 });
    assert.equal(read(buffer)[21], 7);
    free(buffer, part.id, data);
  });

  it('keeps the memory alive when the buffer is freed first', () => {
    const buffer = floats(sequence(4096));
    const part = view(buffer, 2048, [2048]);
    free(buffer);
    const others = Array.from({ length: 8 }, () => floats(new Float32Array(4096)));
    assert.deepEqual(read(part.id), sequence(4096).subarray(2048));
    free(part.id, ...others);
  });

  it('of a view is a view of the same buffer', () => {
    const buffer = floats(new Float32Array(48));
    const outer = view(buffer, 16, [32]);
    const inner = view(outer.id, 16, [4]);
    const ones = floats([1, 1, 1, 1]);
    runOp('DpoAccumulate', [ones, inner.id], 0);
    assert.deepEqual([...read(buffer).subarray(30, 36)], [0, 0, 1, 1, 1, 1]);
    free(buffer, outer.id, inner.id, ones);
  });

  it('refuses what is not aligned or reaches beyond the buffer', () => {
    const buffer = floats(new Float32Array(48));
    assert.throws(() => view(buffer, 8, [4]), /multiple of 16/);
    assert.throws(() => view(buffer, 32, [17]), /beyond the buffer/);
    assert.throws(() => view(buffer, -16, [4]), /beyond the buffer/);
    free(buffer);
  });
});

describe('DpoWrite and DpoZero', () => {
  it('change their buffer in place and nothing beside it', () => {
    const [buffer, data] = [floats([1, 2, 3, 4, 5]), floats([8, 9])];
    runOp('DpoWrite', [data, buffer], 0, { offset: 2 });
    assert.deepEqual([...read(buffer)], [1, 2, 8, 9, 5]);
    assert.throws(() => runOp('DpoWrite', [data, buffer], 0, { offset: 4 }), /beyond the buffer/);
    runOp('DpoZero', [buffer], 0);
    assert.deepEqual([...read(buffer)], [0, 0, 0, 0, 0]);
    free(buffer, data);
  });
});

describe('DpoBuffer', () => {
  it('is zeros, sixteen for each of its input, that a view outlives', () => {
    const [sixteens, nothing, data] = [ints([3]), ints([0]), floats([1, 2])];
    const [buffer] = runOp('DpoBuffer', [sixteens], 1);
    assert.ok(buffer);
    assert.deepEqual(buffer.shape, [48]);
    assert.deepEqual(read(buffer.id), new Float32Array(48));
    const part = view(buffer.id, 32, [16]);
    runOp('DpoWrite', [data, buffer.id], 0, { offset: 46 });
    free(buffer.id);
    assert.deepEqual([...read(part.id).subarray(13)], [0, 1, 2]);
    assert.throws(() => runOp('DpoBuffer', [nothing], 1), /at least one element/);
    free(sixteens, nothing, data, part.id);
  });
});

describe('DpoWriteReversed', () => {
  it('writes some of the last axis, its axes in reverse, at odd sizes', () => {
    for (const [A, B, C, N, first] of [
      [1, 1, 1, 1, 0],
      [17, 7, 9, 33, 16],
      [5, 77, 3, 5, 0],
    ] as const) {
      const values = sequence(A * B * C);
      const [data, buffer] = [floats(values, [A, B, C]), floats(sequence(C * B * N, 2))];
      const expected = sequence(C * B * N, 2);
      values.forEach((x, i) => {
        const [a, b, c] = [Math.floor(i / (B * C)), Math.floor(i / C) % B, i % C];
        expected[(c * B + b) * N + first + a] = x;
      });
      runOp('DpoWriteReversed', [data, buffer], 0, { offset: first });
      assert.deepEqual(read(buffer), expected);
      free(data, buffer);
    }
  });

  it('refuses what reaches beyond the buffer', () => {
    const [data, buffer] = [floats(sequence(12), [3, 2, 2]), floats(sequence(16))];
    const write = (offset: number) => () =>
      runOp('DpoWriteReversed', [data, buffer], 0, { offset });
    write(1)();
    assert.throws(write(2), /beyond the buffer/);
    assert.throws(write(-1), /beyond the buffer/);
    assert.throws(
      () => runOp('DpoWriteReversed', [buffer, buffer], 0, { offset: 0 }),
      /three axes/,
    );
    free(data, buffer);
  });
});

describe('DpoAccumulate', () => {
  it('adds into its second input', () => {
    const [src, dst] = [floats([1, 2, 3]), floats([10, 20, 30])];
    runOp('DpoAccumulate', [src, dst], 0);
    assert.deepEqual([...read(dst)], [11, 22, 33]);
    assert.deepEqual([...read(src)], [1, 2, 3]);
    free(src, dst);
  });

  it('refuses other sizes', () => {
    const [src, dst] = [floats([1, 2]), floats([1])];
    assert.throws(() => runOp('DpoAccumulate', [src, dst], 0), /must have 2 elements, it has 1/);
    free(src, dst);
  });
});

describe('DpoBiasResidual', () => {
  const rows = 5;
  const channels = 19;
  const [x, bias, residual] = [sequence(rows * channels), sequence(channels, 2), sequence(95, 3)];

  for (const parts of [{ bias }, { residual }, { bias, residual }, {}] as const) {
    it(`adds ${Object.keys(parts).join(' and ') || 'nothing'} in place and returns its input`, () => {
      const ids = [
        floats(x, [rows, channels]),
        'bias' in parts ? floats(bias) : none(),
        'residual' in parts ? floats(residual) : none(),
      ] as const;
      const [y] = runOp('DpoBiasResidual', ids, 1);
      assert.ok(y);
      const sums = x.map(
        (value, i) =>
          value +
          ('bias' in parts ? (bias[i % channels] as number) : 0) +
          ('residual' in parts ? (residual[i] as number) : 0),
      );
      assertClose(read(y.id), sums, { rtol: 1e-7 });
      assert.deepEqual(read(ids[0]), read(y.id));
      const mark = floats([42]);
      runOp('DpoWrite', [mark, ids[0]], 0, { offset: 3 });
      assert.equal(read(y.id)[3], 42, 'one buffer under two handles');
      free(...ids, y.id, mark);
    });
  }
});

describe('DpoBiasGradInto', () => {
  it('adds the column sums to what is there', () => {
    const [dy, acc] = [floats([1, 2, 3, 4, 5, 6], [3, 2]), floats([100, 200])];
    runOp('DpoBiasGradInto', [dy, acc], 0);
    assert.deepEqual([...read(acc)], [109, 212]);
    free(dy, acc);
  });

  it('sums many rows accurately', () => {
    const [rows, channels] = [3001, 21];
    const data = sequence(rows * channels);
    const sums = new Float64Array(channels);
    data.forEach((value, i) => {
      sums[i % channels] = (sums[i % channels] as number) + value;
    });
    const [dy, acc] = [floats(data, [rows, channels]), floats(new Float32Array(channels))];
    runOp('DpoBiasGradInto', [dy, acc], 0);
    assertClose(read(acc), sums, { rtol: 1e-6 });
    free(dy, acc);
  });
});
