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

  it('give each of many small pictures the bits that it has alone', () => {
    // Nine samples of a place lie next to each other in a tile, which leaves the zeros around the pictures out.
    const [pictures, size] = [9, 3 * 4 * 10];
    const values = sequence(pictures * size, 5);
    const w = floats(sequence(9 * 10 * 20, 3), [3, 3, 10, 20]);
    const [all, bias] = [floats(values, [pictures, 3, 4, 10]), floats(sequence(20, 2))];
    const residuals = sequence(pictures * 3 * 4 * 20, 7);
    const residual = floats(residuals, [pictures, 3, 4, 20]);
    const together = resultOf('DpoConv', [all, w, bias, residual], conv);
    const length = together.length / pictures;
    for (let i = 0; i < pictures; i++) {
      const [from, to] = [i * length, (i + 1) * length];
      const picture = floats(values.slice(i * size, (i + 1) * size), [1, 3, 4, 10]);
      const own = floats(residuals.slice(from, to), [1, 3, 4, 20]);
      const alone = resultOf('DpoConv', [picture, w, bias, own], conv);
      assert.deepEqual(together.slice(from, to), alone, `picture ${i}`);
      free(picture, own);
    }
    free(w, all, bias, residual);
  });

  it('give columns of a large weight, which is taken in strips, the bits that they have alone', () => {
    const [rows, depth, out] = [21, 1024, 1100];
    const weights = sequence(out * depth, 3);
    const [x, bias] = [floats(sequence(rows * depth), [rows, depth]), sequence(out, 2)];
    /** Columns `from` … `to`−1 of x · weightᵀ, and of x · weight. */
    const products = (from: number, to: number) => {
      const some = floats(weights.slice(from * depth, to * depth), [to - from, depth]);
      const columns = Float32Array.from({ length: depth * (to - from) }, (_, i) => {
        const [k, column] = [Math.floor(i / (to - from)), i % (to - from)];
        return weights[(from + column) * depth + k] as number;
      });
      const turned = floats(columns, [depth, to - from]);
      const [someBias, absent] = [floats(bias.slice(from, to)), none()];
      const y = resultOf('DpoLinear', [x, some, someBias, absent]);
      const dx = resultOf('DpoLinearInputGrad', [x, turned]);
      free(some, turned, someBias, absent);
      return { y, dx };
    };
    const whole = products(0, out);
    const [left, right] = [products(0, 330), products(330, out)];
    for (const kind of ['y', 'dx'] as const)
      for (let r = 0; r < rows; r++) {
        const row = whole[kind].slice(r * out, (r + 1) * out);
        assert.deepEqual(row.slice(0, 330), left[kind].slice(r * 330, (r + 1) * 330));
        assert.deepEqual(row.slice(330), right[kind].slice(r * 770, (r + 1) * 770));
      }
    free(x);
  });

  it('give channels of a large convolution, which is taken in strips, the bits that they have alone', () => {
    const [depth, out, half] = [120, 1024, 512];
    const weights = sequence(9 * depth * out, 3);
    const x = floats(sequence(5 * 4 * depth), [1, 5, 4, depth]);
    const absent = none();
    const parts = [0, half].map((from) => {
      const some = Float32Array.from({ length: 9 * depth * half }, (_, i) => {
        const [k, column] = [Math.floor(i / half), i % half];
        return weights[k * out + from + column] as number;
      });
      const w = floats(some, [3, 3, depth, half]);
      const y = resultOf('DpoConv', [x, w, absent, absent], conv);
      free(w);
      return y;
    });
    const w = floats(weights, [3, 3, depth, out]);
    const y = resultOf('DpoConv', [x, w, absent, absent], conv);
    for (let pixel = 0; pixel < 20; pixel++)
      parts.forEach((part, i) => {
        const from = pixel * out + i * half;
        assert.deepEqual(y.slice(from, from + half), part.slice(pixel * half, (pixel + 1) * half));
      });
    free(x, w, absent);
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
