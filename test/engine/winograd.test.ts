import assert from 'node:assert/strict';
import {
  type ConvOptions,
  conv2d,
  type KernelMode,
  type Tensor,
  tensor,
  tidy,
  valueAndGrad,
  withKernels,
} from '../../src/engine';
import { assertClose } from '../support/assert';
import { kernelModes, numbers } from '../support/model-fixture';

/** Pictures with pixels and channels enough for tiles of 2 × 2 outputs. */
const SHAPES = [
  [9, 8, 8, 40],
  [2, 19, 17, 33],
  [33, 4, 5, 32],
  [1, 64, 33, 48],
] as const;
const BORDERS: readonly ConvOptions['padding'][] = ['same', [0, 0], [0, 1], [1, 1], [2, 2]];

const filled = (name: string, shape: readonly number[]) =>
  Float32Array.from(
    numbers(
      name,
      shape.reduce((n, d) => n * d),
    ),
  );
const random = (name: string, shape: readonly number[]) => tensor(filled(name, shape), shape);

/** Value and gradients of a convolution to 37 channels, of pictures that `change` was applied to. */
function convolve(
  mode: KernelMode,
  shape: readonly number[],
  options: ConvOptions,
  change: (pixels: Float32Array) => void = () => undefined,
): { readonly y: Tensor; readonly grads: readonly Tensor[] } {
  return withKernels(mode, () => {
    const pixels = filled('x', shape);
    change(pixels);
    const x = tensor(pixels, shape);
    const w = random('w', [3, 3, shape[3] as number, 37]);
    const bias = random('bias', [37]);
    const { value, grads } = valueAndGrad(() => {
      const y = conv2d(x, w, { bias, ...options });
      return { loss: y.mul(random('dy', y.shape)).sum(), y };
    }, [x, w, bias]);
    return { y: value.y, grads };
  });
}

describe('convolutions by tiles', () => {
  before(function () {
    if (!kernelModes.includes('fused')) this.skip(); // TensorFlow's have none
  });

  for (const shape of SHAPES)
    for (const padding of BORDERS)
      it(`has TensorFlow's value and gradients: [${shape}], border ${padding}`, () => {
        tidy(() => {
          const [ours, theirs] = [
            convolve('fused', shape, { padding }),
            convolve('plain', shape, { padding }),
          ];
          assertClose(ours.y, theirs.y, { rtol: 2e-6, label: 'value' });
          ours.grads.forEach((gradient, i) => {
            assertClose(gradient, theirs.grads[i] as Tensor, { rtol: 2e-6, label: `input ${i}` });
          });
        });
      });

  it('passes an infinity to what depends on it, and to nothing else, and spoils no other gradient', () => {
    tidy(() => {
      const shape = [2, 17, 16, 33];
      const at = (pixels: Float32Array) => {
        pixels[(5 * 16 + 6) * 33 + 7] = Number.POSITIVE_INFINITY;
      };
      const [ours, theirs] = [convolve('fused', shape, {}, at), convolve('plain', shape, {}, at)];
      const kinds = (t: Tensor) => Array.from(t.floats(), (v) => (Number.isFinite(v) ? 0 : v));
      assert.deepEqual(kinds(ours.y), kinds(theirs.y));
      ours.grads.forEach((gradient, i) => {
        assert.deepEqual(kinds(gradient), kinds(theirs.grads[i] as Tensor), `input ${i}`);
      });
      assert.ok(kinds(ours.y).some((v) => v !== 0));
    });
  });
});
