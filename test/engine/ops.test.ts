import assert from 'node:assert/strict';
import * as E from '../../src/engine';
import { assertClose, assertNoLeak, relativeL2 } from '../support/assert';
import { jsonFixture } from '../support/fixtures';
import { kernelModes } from '../support/model-fixture';
import { wave } from '../support/wave';

type T = E.Tensor;
type Op = (a: T, b: T, c: T, d: T) => T;

const indices = () => E.tensor(Int32Array.of(0, 3, 3, 1, 0, 3), [2, 3]);

/** The operations of make_engine.py, by the engine. */
const operations: Readonly<Record<string, Op>> = {
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b.add(3)),
  minimum: (a, b) => a.minimum(b),
  maximum: (a, b) => a.maximum(b),
  clip: (x) => x.clip(-0.5, 0.25),
  square: (x) => x.square(),
  sqrt: (x) => x.add(2).sqrt(),
  exp: (x) => x.exp(),
  log: (x) => x.add(2).log(),
  abs: (x) => x.abs(),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  softplus: (x) => x.mul(30).softplus(),
  silu: E.silu,
  gelu: E.gelu,
  quickGelu: E.quickGelu,
  sum: (x) => x.sum([0, 2], { keepDims: true }),
  mean: (x) => x.mean(-1),
  softmax: (x) => E.softmax(x.mul(5)),
  logSoftmax: (x) => E.logSoftmax(x.mul(5)),
  transpose: (x) => x.transpose([2, 0, 1]),
  slice: (x) => x.slice([1, 0, 2], [2, -1, -1]),
  pad: (x) =>
    E.pad(x, [
      [0, 1],
      [1, 2],
    ]),
  concat: (a, b) => E.concat([a, b, a], 1),
  split: (x) => {
    const [first, second] = E.split(x, [2, 1, 4], 1);
    return (first as T).mul(second as T);
  },
  concatChannels: (a, b) => E.concat([a, b.mul(a.slice([0, 0, 0, 0], [-1, -1, -1, 1]))], -1),
  splitChannels: (x) => {
    const [first, second] = E.split(x, [3, 5], -1);
    return (first as T).mul((second as T).slice([0, 0, 0, 1], [-1, -1, -1, 3]));
  },
  stack: (a, b) => E.stack([a, b], 1),
  broadcastTo: (x) => E.broadcastTo(x, [2, 3, 5]),
  tile: (x) => E.tile(x, [2, 3]),
  gather: (table) => E.gather(table, indices()),
  matmul: (a, b) => a.matmul(b),
  matmulTransposed: (a, b) => a.matmul(b, { transposeA: true, transposeB: true }),
  matmulTransposeA: (a, b) => a.matmul(b, { transposeA: true }),
  matmulTransposeB: (a, b) => a.matmul(b, { transposeB: true }),
  linear: (x, w, bias, residual) => E.linear(x, w, { bias, residual }),
  conv: (x, w, bias, residual) => E.conv2d(x, w, { bias, residual }),
  convStride2: (x, w, bias) => E.conv2d(x, w, { bias, stride: 2, padding: [1, 1] }),
  convValid: (x, w, bias) => E.conv2d(x, w, { bias, padding: [0, 0] }),
  convPoint: (x, w, bias) => E.conv2d(x, w, { bias }),
  upsample: E.upsampleNearest2x,
  groupNorm: (x, s, o, shift) => E.groupNorm(x, s, o, { groups: 3, epsilon: 1e-5, shift }),
  groupNormSilu: (x, s, o, shift) =>
    E.groupNorm(x, s, o, { groups: 2, epsilon: 1e-5, shift, activation: 'silu' }),
  layerNorm: (x, s, o) => E.layerNorm(x, s, o, { epsilon: 1e-5 }),
  attention: (q, k, v) => E.attention(q, k, v, { heads: 2 }),
  attentionCausal: (q, k, v) => E.attention(q, k, v, { heads: 3, mask: 'causal' }),
  geglu: (x, bias) => E.geglu(x, bias),
};

interface Expected {
  readonly shapes: readonly (readonly number[])[];
  readonly shape: readonly number[];
  readonly value: readonly number[];
  readonly grads: readonly (readonly number[])[];
}

const { cases } = jsonFixture<{ cases: Record<string, Expected> }>('engine', 'ops.json');

function check(operation: Op, { shapes, shape, value, grads }: Expected): void {
  E.tidy(() => {
    const inputs = shapes.map((s, i) => E.tensor(wave(s, i), s));
    const run = () => operation(...(inputs as [T, T, T, T]));
    const result = E.noGrad(run);
    assert.deepEqual(result.shape, shape);
    assertClose(result, value, { rtol: 1e-5, atol: 2e-6 });
    const weight = E.tensor(wave(shape, 9), shape);
    const computed = E.valueAndGrad(() => run().mul(weight).sum(), inputs).grads;
    computed.forEach((gradient, i) => {
      const label = `gradient of input ${i}`;
      assertClose(gradient, grads[i] ?? [], { rtol: 1e-5, atol: 2e-6, label });
    });
  });
}

/** The same with bfloat16 activations (eight bits: each number within 2⁻⁹ of itself); vectors are weights. */
function checkInBfloat16(operation: Op, { shapes, shape, value, grads }: Expected): void {
  E.tidy(() => {
    const inputs = shapes.map((s, i) =>
      E.tensor(wave(s, i), s).cast(s.length > 1 ? 'bfloat16' : 'float32'),
    );
    const run = () => E.autocast('bf16', () => operation(...(inputs as [T, T, T, T])));
    assert.ok(relativeL2(E.noGrad(run), value) < 0.03);
    const weight = E.tensor(wave(shape, 9), shape);
    const computed = E.valueAndGrad(() => run().mul(weight).sum(), inputs).grads;
    computed.forEach((gradient, i) => {
      assert.equal(gradient.dtype, inputs[i]?.dtype);
      const error = relativeL2(gradient, grads[i] ?? []);
      const allowed = gradient.rank > 1 ? 0.03 : 0.1; // a vector's is a sum, of which much cancels
      assert.ok(error < allowed, `gradient of input ${i}: ${error}`);
    });
  });
}

for (const kernels of kernelModes)
  describe(`operations, ${kernels} kernels`, () => {
    it('are all compared with PyTorch', () => {
      assert.deepEqual(Object.keys(operations), Object.keys(cases));
    });
    for (const [name, operation] of Object.entries(operations))
      it(`${name} has PyTorch's value and gradients`, () => {
        assertNoLeak(() => {
          E.withKernels(kernels, () => check(operation, cases[name] as Expected));
        });
      });
    for (const [name, operation] of Object.entries(operations))
      it(`${name} has them in bfloat16 too, rounded`, () => {
        assertNoLeak(() => {
          E.withKernels(kernels, () => checkInBfloat16(operation, cases[name] as Expected));
        });
      });
  });
