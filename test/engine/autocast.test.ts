import assert from 'node:assert/strict';
import * as E from '../../src/engine';
import { assertClose, assertNoLeak } from '../support/assert';
import { kernelModes } from '../support/model-fixture';
import { wave } from '../support/wave';

const make = (shape: readonly number[], phase = 0) => E.tensor(wave(shape, phase), shape);

for (const kernels of kernelModes)
  describe(`autocast, ${kernels} kernels`, () => {
    const it16 = (title: string, fn: () => void) =>
      it(title, () => assertNoLeak(() => E.withKernels(kernels, () => E.tidy(fn))));

    it16('gives bfloat16 from matrix work, and the type of what is given from all else', () => {
      const [x, w] = [make([4, 6]), make([5, 6], 1)];
      const [image, kernel] = [make([1, 4, 4, 3]), make([3, 3, 3, 2], 1)];
      const sequence = make([1, 4, 6]);
      const types = E.autocast('bf16', () => {
        const h = E.linear(x, w);
        const products = [h, E.conv2d(image, kernel), x.matmul(w, { transposeB: true })];
        const attended = E.attention(sequence, sequence, sequence, { heads: 2 });
        const halves = [...products, attended, E.silu(h), h.add(h), h.mul(2), E.concat([h, h], 1)];
        const wholes = [x.add(x), E.silu(x), h.add(make([4, 5])), E.concat([h, make([4, 5])], 1)];
        const wide = [h.sum(), h.exp(), h.square(), E.softmax(h), h.mean(1), h.softplus()];
        return [halves, [...wholes, ...wide]].map((list) => new Set(list.map((t) => t.dtype)));
      });
      assert.deepEqual(types, [new Set(['bfloat16']), new Set(['float32'])]);
      assert.equal(E.linear(x, w).dtype, 'float32', 'outside');
    });

    it16('rounds what a product is given, and nothing before or after', () => {
      const x = E.tensor([1 + 2 ** -9, 3], [1, 2]); // 2⁻⁹ is half a step at 1: to even, which is 1
      const w = E.tensor([1, 1, 1 + 2 ** -8, 0], [2, 2]); // so is 2⁻⁸ … of 1 to 2, whose step is 2⁻⁷
      const y = E.autocast('bf16', () => E.linear(x, w));
      assert.deepEqual([...y.floats()], [4, 1]);
    });

    it16('rounds the sums of products to the nearest, forward and backward', () => {
      const w = E.tensor([1, 3 * 2 ** -9], [1, 2]); // three quarters of a step above 1
      const x = E.tensor([1, 1], [1, 2]);
      const near = [1 + 2 ** -7];
      const [row, column] = [x.reshape([1, 1, 1, 2]), w.reshape([1, 1, 2, 1])];
      const products = {
        linear: () => E.linear(x, w),
        matmul: () => x.matmul(w, { transposeB: true }),
        conv: () => E.conv2d(row, column),
      };
      for (const [name, product] of Object.entries(products))
        assert.deepEqual([...E.autocast('bf16', product).floats()], near, name);
      const [one, twice] = [E.tensor([1], [1, 1]), E.tensor([1, 1], [2, 1])];
      const copies = {
        linear: () => E.linear(one, twice),
        conv: () => E.conv2d(one.reshape([1, 1, 1, 1]), twice.reshape([1, 1, 1, 2])),
      };
      for (const [name, copy] of Object.entries(copies)) {
        const loss = () => E.autocast('bf16', copy).reshape([1, 2]).mul(w).sum();
        const [gradient] = E.valueAndGrad(loss, [one]).grads;
        assert.deepEqual([...(gradient?.floats() ?? [])], near, `gradient of ${name}`);
      }
    });

    it16('adds a float32 residual without rounding it', () => {
      const [x, w] = [E.tensor([1, 1], [1, 2]), E.tensor([1, 1, 1, 0], [2, 2])];
      const residual = E.tensor([2 ** -12, 1 + 2 ** -12], [1, 2]);
      const y = E.autocast('bf16', () => E.linear(x, w, { residual }));
      assert.deepEqual([...y.floats()], [2 + 2 ** -12, 2 + 2 ** -12]);
    });

    it16('brings gradients back in the types of the forward pass, wherever that is left', () => {
      const [x, w] = [make([4, 6]), make([5, 6], 1)];
      const loss = () => {
        const h = E.autocast('bf16', () => E.silu(E.linear(x, w)));
        assert.equal(h.dtype, 'bfloat16');
        return h.square().mean();
      };
      const outside = E.valueAndGrad(loss, [x, w]);
      const inside = E.autocast('bf16', () => E.valueAndGrad(loss, [x, w]));
      const whole = E.autocast('no', () =>
        E.valueAndGrad(() => E.silu(E.linear(x, w)).square().mean(), [x, w]),
      );
      outside.grads.forEach((gradient, i) => {
        assert.equal(gradient.dtype, 'float32');
        assertClose(inside.grads[i] as E.Tensor, gradient, { rtol: 0, atol: 0 });
        assertClose(gradient, whole.grads[i] as E.Tensor, { rtol: 0.02 });
        assert.throws(() => assertClose(gradient, whole.grads[i] as E.Tensor, { rtol: 1e-5 }));
      });
    });

    it16('computes a block again in the precision it first ran in', () => {
      const [x, w] = [make([4, 6]), make([6, 6], 1)];
      const layers = (h: E.Tensor) => E.linear(E.silu(E.linear(h, w)), w);
      const block = E.recomputed('block', layers);
      const gradients = (f: typeof layers) =>
        E.valueAndGrad(
          () =>
            E.autocast('bf16', () => f(f(x)))
              .square()
              .mean(),
          [x, w],
        ).grads;
      const [plain, again] = [gradients(layers), gradients(block)];
      again.forEach((gradient, i) => {
        assertClose(gradient, plain[i] as E.Tensor, { rtol: 1e-6 });
      });
    });

    it16("is switched off by 'no' inside it, and by an error", () => {
      const [x, w] = [make([4, 6]), make([5, 6], 1)];
      const type = E.autocast('bf16', () => E.autocast('no', () => E.linear(x, w)).dtype);
      assert.equal(type, 'float32');
      const fail = () => {
        throw new Error('stop');
      };
      assert.throws(() => E.autocast('bf16', fail), /stop/);
      assert.equal(E.linear(x, w).dtype, 'float32');
    });

    it16('adds the gradient of a weight in float32', () => {
      const weights = E.Parameters.allocate([['w', [1, 1]]]).trainable();
      weights.write('w', Float32Array.of(1));
      const x = E.tensor([2 ** -10], [1, 1]);
      E.accumulateGrads(() =>
        E.autocast('bf16', () => E.linear(E.tensor([1], [1, 1]), weights.tensor('w'))).sum(),
      );
      E.accumulateGrads(() => E.autocast('bf16', () => E.linear(x, weights.tensor('w'))).sum());
      assert.equal(weights.readGrad('w')[0], 1 + 2 ** -10);
      weights.dispose();
    });
  });
