import assert from 'node:assert/strict';
import {
  engineInfo,
  Parameters,
  profile,
  tensor,
  tidy,
  valueAndGrad,
  withKernels,
} from '../../src/engine';
import * as nn from '../../src/nn';
import { assertClose } from '../support/assert';
import { layerOf } from '../support/layer';
import { kernelModes } from '../support/model-fixture';

describe('linear', () => {
  it('is x Wᵀ + b + residual', () => {
    const weights = nn.linearWeights('layer', 2, 3);
    const { p, parameters } = layerOf<nn.Linear>(weights, {
      weight: [1, 2, 3, 4, 5, 6],
      bias: [10, 20, 30],
    });
    tidy(() => {
      const x = tensor([1, -1], [1, 2]);
      // 1 − 2 + 10, 3 − 4 + 20, 5 − 6 + 30
      assertClose(nn.linear(p, x), [9, 19, 29]);
      const residual = tensor([100, 200, 300], [1, 3]);
      assertClose(nn.linear(p, x, { residual }), [109, 219, 329]);
    });
    parameters.dispose();
  });

  it('goes without a bias', () => {
    const weights = nn.biaslessLinearWeights('layer', 2, 1);
    assert.deepEqual(weights, [['layer.weight', [1, 2]]]);
    const { p, parameters } = layerOf<nn.Linear>(weights, { weight: [2, 3] });
    tidy(() => assertClose(nn.linear(p, tensor([1, 1, 0, 1], [2, 1, 2])), [5, 3]));
    parameters.dispose();
  });

  it('adds an adapter of low rank', () => {
    const weights = nn.linearWeights('layer', 2, 3);
    const { p, parameters } = layerOf<nn.Linear>(weights, {
      weight: [1, 2, 3, 4, 5, 6],
      bias: [10, 20, 30],
    });
    tidy(() => {
      const lora = { A: tensor([2, -1], [1, 2]), B: tensor([1, 0, -2], [3, 1]), scale: 0.5 };
      const x = tensor([1, -1], [1, 2]);
      const residual = tensor([100, 200, 300], [1, 3]);
      // ½ · (2 + 1) · (1, 0, −2) = (1.5, 0, −3) on top of (9, 19, 29) and the residual
      assertClose(nn.linear({ ...p, lora }, x), [10.5, 19, 26]);
      assertClose(nn.linear({ ...p, lora }, x, { residual }), [110.5, 219, 326]);
    });
    parameters.dispose();
  });

  for (const mode of kernelModes)
    it(`spends nothing on the gradient of a frozen weight under an adapter (${mode} kernels)`, () =>
      withKernels(mode, () => {
        const [base, adapter] = [
          Parameters.allocate([['weight', [3, 2]]]),
          Parameters.allocate([
            ['A', [1, 2]],
            ['B', [3, 1]],
          ]).trainable(),
        ];
        base.write('weight', Float32Array.of(1, 2, 3, 4, 5, 6));
        adapter.write('A', Float32Array.of(2, -1));
        adapter.write('B', Float32Array.of(1, 0, -2));
        const p = { ...base.tree<nn.Linear>(), lora: { ...adapter.tree<nn.Lora>(), scale: 0.5 } };
        const x = tensor([1, -1], [1, 2]);
        const run = () => valueAndGrad(() => nn.linear(p, x).sum(), [x]);
        const { value, operations } = profile(run);
        const calls = (name: string) => operations.find((o) => o.name === name)?.calls ?? 0;
        // y = W x + ½ B A x, summed: dA = ½ (1 + 0 − 2) xᵀ, dB = ½ · 3 · (1, 1, 1), dx = ΣW + ½ (1 + 0 − 2) A
        assertClose(adapter.readGrad('A'), [-0.5, 0.5]);
        assertClose(adapter.readGrad('B'), [1.5, 1.5, 1.5]);
        assertClose(value.grads[0] ?? [], [9 - 1, 12 + 0.5]);
        if (mode === 'fused')
          assert.equal(calls('DpoLinearWeightGradInto'), 2); // A, B
        else assert.equal(calls('MatMul'), 3 + 3 + 2); // forward, gradients of inputs, of A and B
        for (const t of [x, value.value, ...value.grads, base, adapter]) t.dispose();
      }));

  it('takes the product of our own up to 2¹⁹ weights, and from there on with AVX2 only', () => {
    if (!kernelModes.includes('fused')) return;
    // all weights are 1: each output is the sum of its row, Σᵢ (i mod 7 − 3), and 512 more in the second
    const width = 512;
    const x = tensor(
      Float32Array.from(
        { length: 2 * width },
        (_, i) => ((i % width) % 7) - 3 + (i < width ? 0 : 1),
      ),
      [2, width],
    );
    const sum = Array.from({ length: width }, (_, i) => (i % 7) - 3).reduce((a, b) => a + b, 0);
    for (const [rows, name] of [
      [1024, 'DpoLinear'],
      [1025, engineInfo().isa === 'avx2' ? 'DpoLinear' : 'MatMul'],
    ] as const) {
      const weight = tensor(new Float32Array(rows * width).fill(1), [rows, width]);
      const { value, operations } = profile(() => nn.linear({ weight }, x));
      const products = operations.filter((o) => ['DpoLinear', 'MatMul'].includes(o.name));
      assert.deepEqual(
        products.map((o) => [o.name, o.calls]),
        [[name, 1]],
      );
      const expected = [sum, sum + width].flatMap((y) => new Array<number>(rows).fill(y));
      assertClose(value, expected);
      for (const t of [weight, value]) t.dispose();
    }
    x.dispose();
  });
});
