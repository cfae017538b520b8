import assert from 'node:assert/strict';
import {
  type ConvOptions,
  conv2d,
  dryRun,
  type Tensor,
  tensorCount,
  tidy,
  upsampleNearest2x,
  valueAndGrad,
  withKernels,
  zeros,
} from '../../src/engine';
import { kernelModes } from '../support/model-fixture';

const CONVOLUTIONS: readonly ConvOptions[] = [
  {},
  { stride: 2 },
  { stride: 2, padding: [1, 1] },
  { stride: 2, padding: [0, 1] },
  { padding: [0, 0] },
];

/** The shapes of everything between a picture and its gradients. */
function shapes(height: number, options: ConvOptions): (readonly number[])[] {
  return tidy(() => {
    const x = zeros([2, height, 5, 3]);
    const [weight, bias] = [zeros([3, 3, 3, 4]), zeros([4])];
    let kept: readonly Tensor[] = [];
    const { grads } = valueAndGrad(() => {
      const y = conv2d(x, weight, { bias, ...options });
      const large = upsampleNearest2x(y);
      kept = [y, large];
      return large.square().sum();
    }, [x, weight, bias]);
    return [...kept, ...grads].map(({ shape }) => shape);
  });
}

describe('a run without numbers', () => {
  for (const mode of kernelModes)
    it(`gives the shapes of one with numbers (${mode} kernels)`, () => {
      withKernels(mode, () => {
        for (const height of [6, 7])
          for (const options of CONVOLUTIONS) {
            const real = shapes(height, options);
            const held = tensorCount();
            const { value, calls } = dryRun(() => shapes(height, options));
            assert.deepEqual(value, real, JSON.stringify({ height, ...options }));
            assert.equal(tensorCount(), held);
            assert.ok(calls.some(({ name }) => name === (mode === 'plain' ? 'Conv2D' : 'DpoConv')));
          }
      });
    });
});
