import assert from 'node:assert/strict';
import {
  accumulateGrads,
  Parameters,
  type Tensor,
  tensorCount,
  tidy,
  withKernels,
} from '../../src/engine';
import { assertClose } from '../support/assert';
import { kernelModes } from '../support/model-fixture';
import { wave } from '../support/wave';

/** Lengths that are no multiples of the alignment. */
const shapes = [
  ['a.0.weight', [3, 5]],
  ['a.1.weight', [7]],
  ['b.bias', [1]],
] as const;

interface Tree {
  readonly a: readonly { readonly weight: Tensor }[];
  readonly b: { readonly bias: Tensor };
}

function filled(): Parameters {
  const weights = Parameters.allocate(shapes);
  shapes.forEach(([name, shape], i) => {
    weights.write(name, wave(shape, i));
  });
  return weights;
}

for (const kernels of kernelModes)
  describe(`Parameters, ${kernels} kernels`, () => {
    const run = (title: string, fn: () => void) =>
      it(title, () => {
        const before = tensorCount();
        withKernels(kernels, fn);
        assert.equal(tensorCount(), before, 'tensors left alive');
      });

    run('keep every weight apart from its neighbours', () => {
      const weights = filled();
      assert.equal(weights.elementCount, 23);
      weights.write('a.1.weight', new Float32Array(7).fill(9));
      assert.deepEqual(weights.read('a.0.weight'), wave([3, 5], 0));
      assert.deepEqual(weights.read('a.1.weight'), new Float32Array(7).fill(9));
      assert.deepEqual(weights.read('b.bias'), wave([1], 2));
      weights.dispose();
    });

    run('are a tree of the same tensors, which follow every write', () => {
      const weights = filled();
      const tree = weights.tree<Tree>();
      weights.write('a.1.weight', new Float32Array(7).fill(4));
      assert.equal(tree.a[1]?.weight, weights.tensor('a.1.weight'));
      assertClose(tree.a[1]?.weight as Tensor, new Float32Array(7).fill(4));
      weights.dispose();
    });

    run('add up gradients until they are set to zero', () => {
      const weights = filled().trainable();
      const { b } = weights.tree<Tree>();
      const w = weights.tensor('a.1.weight');
      const loss = () => b.bias.square().sum().add(w.mul(2).sum());
      for (let i = 0; i < 2; i++)
        tidy(() => {
          accumulateGrads(loss);
        });
      const bias = weights.read('b.bias')[0] ?? Number.NaN;
      assertClose(weights.readGrad('b.bias'), [4 * bias]);
      assertClose(weights.readGrad('a.1.weight'), new Float32Array(7).fill(4));
      assertClose(weights.readGrad('a.0.weight'), new Float32Array(15));
      assertClose(weights.squaredGradNorm(), (4 * bias) ** 2 + 7 * 16);
      weights.zeroGrad();
      assert.equal(weights.squaredGradNorm(), 0);
      weights.dispose();
    });

    run('are copied into memory of their own', () => {
      const weights = filled().trainable();
      const copy = weights.clone();
      weights.write('b.bias', Float32Array.of(100));
      assert.deepEqual(copy.read('b.bias'), wave([1], 2));
      assert.equal(copy.isTrainable, false);
      copy.lerp(weights, 0.25);
      const start = wave([1], 2)[0] ?? Number.NaN;
      assertClose(copy.read('b.bias'), [start + 0.25 * (100 - start)]);
      copy.copyFrom(weights);
      assert.deepEqual(copy.read('b.bias'), Float32Array.of(100));
      for (const p of [weights, copy]) p.dispose();
    });

    run('take a weight in pieces, also such as have its axes in reverse', () => {
      const [A, B, C] = [37, 5, 3]; // two tiles of outputs and some more
      const weights = Parameters.allocate([
        ['a', [C, B, A]],
        ['b', [C, B, A]],
      ]);
      const whole = wave([A, B, C], 0);
      const cut = weights.pieceLimit === Number.POSITIVE_INFINITY ? A : 16;
      for (let at = 0; at < A; at += cut) {
        const data = whole.slice(at * B * C, (at + cut) * B * C);
        weights.writePiece('a', { data, at, reversed: [data.length / (B * C), B, C] });
        weights.writePiece('b', { data, at: at * B * C });
      }
      const expected = Float32Array.from(whole, (_, i) => {
        const [a, b, c] = [i % A, Math.floor(i / A) % B, Math.floor(i / (A * B))];
        return whole[(a * B + b) * C + c] ?? Number.NaN;
      });
      assert.deepEqual(weights.read('a'), expected);
      assert.deepEqual(weights.read('b'), whole);
      weights.dispose();
    });

    run('widen a piece of bfloat16', () => {
      const weights = Parameters.allocate([['a', [2]]]);
      weights.writePiece('a', { data: Uint16Array.of(0x3f80, 0xc040) });
      assert.deepEqual(weights.read('a'), Float32Array.of(1, -3));
      weights.dispose();
    });

    run('keep frozen matrices in bfloat16, vectors in float32', () => {
      const weights = Parameters.allocate([
        ['m', [2, 2]],
        ['v', [2]],
      ]);
      const [third, halfway] = [Math.fround(1 / 3), 1 + 2 ** -8];
      weights.write('m', Float32Array.of(1, third, halfway, -2));
      weights.write('v', Float32Array.of(third, halfway));
      const frozen = weights.clone({ matrices: 'bfloat16' });
      assert.deepEqual(frozen.read('m'), Float32Array.of(1, 0.333984375, 1, -2));
      assert.deepEqual(frozen.read('v'), weights.read('v'));
      assert.equal(frozen.tensor('m').dtype, 'bfloat16');
      assert.equal(frozen.byteCount, 4 * 2 + 2 * 4);
      frozen.write('m', Float32Array.of(halfway, 0, 0, 0));
      assert.equal(frozen.read('m')[0], 1);
      assert.throws(() => frozen.trainable(), /frozen/);
      for (const p of [weights, frozen]) p.dispose();
    });

    run('name the weight that is wrong', () => {
      const weights = filled();
      assert.throws(() => weights.tensor('c'), /no weight "c"/);
      assert.throws(
        () => weights.write('b.bias', new Float32Array(2)),
        /"b.bias" holds 1 values, got 2/,
      );
      assert.throws(() => weights.readGrad('b.bias'), /no gradient/);
      weights.dispose();
    });
  });
