import assert from 'node:assert/strict';
import { floats, free, none, read, runOp, sequence } from './raw-ops';

const conv = { stride: 1, same: true };

/** Result of an op with one output, as plain numbers. */
function resultOf(op: string, inputs: readonly number[], attributes = {}): Float32Array {
  const [output] = runOp(op, inputs, 1, attributes);
  assert.ok(output);
  const data = read(output.id);
  free(output.id);
  return data;
}

describe('matrix ops', () => {
  it('let NaN and infinity pass through to what depends on them, and to nothing else', () => {
    const values = sequence(5 * 7);
    values[7] = Number.NaN;
    values[14] = Number.POSITIVE_INFINITY;
    const ids = [
      floats(values, [5, 7]),
      floats(sequence(20 * 7, 2).map(Math.abs), [20, 7]),
      none(),
    ];
    const [x = 0, w = 0, absent = 0] = ids;
    const y = resultOf('DpoLinear', [x, w, absent, absent]);
    const rows = Array.from({ length: 5 }, (_, r) => y.slice(20 * r, 20 * (r + 1)));
    assert.ok(rows[1]?.every(Number.isNaN));
    assert.ok(rows[2]?.every((v) => v === Number.POSITIVE_INFINITY));
    for (const r of [0, 3, 4]) assert.ok(rows[r]?.every(Number.isFinite));
    free(...ids);
  });

  it('give a convolution the same bits in any part of a batch', () => {
    const [shape, weights] = [[1, 6, 5, 9], sequence(9 * 9 * 20, 3)] as const;
    const one = sequence(6 * 5 * 9, 4);
    const ids = [
      floats(one, shape),
      floats([...sequence(6 * 5 * 9), ...one, ...sequence(60)].slice(0, 540), [2, 6, 5, 9]),
      floats(weights, [3, 3, 9, 20]),
      none(),
    ];
    const [alone = 0, batch = 0, w = 0, absent = 0] = ids;
    const single = resultOf('DpoConv', [alone, w, absent, absent], conv);
    const both = resultOf('DpoConv', [batch, w, absent, absent], conv);
    assert.deepEqual(both.slice(single.length), single);
    free(...ids);
  });

  it('refuse what does not fit, naming the op', () => {
    const ids = [floats(sequence(12), [3, 4]), floats(sequence(10), [2, 5]), none()];
    const [x = 0, w = 0, absent = 0] = ids;
    const message = /DpoLinear.*the weight \[out, in\] does not fit/s;
    assert.throws(() => runOp('DpoLinear', [x, w, absent, absent], 1), message);
    const picture = floats(sequence(16), [1, 2, 2, 4]);
    const large = floats(sequence(4 * 16), [4, 4, 4, 1]);
    const taps = /DpoConv.*a kernel has one to nine taps/s;
    assert.throws(() => runOp('DpoConv', [picture, large, absent, absent], 1, conv), taps);
    free(...ids, picture, large);
  });

  it('take empty tensors', () => {
    const ids = [floats([], [0, 4]), floats(sequence(8), [2, 4]), none()];
    const [x = 0, w = 0, absent = 0] = ids;
    assert.equal(resultOf('DpoLinear', [x, w, absent, absent]).length, 0);
    free(...ids);
  });
});
