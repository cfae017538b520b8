import assert from 'node:assert/strict';
import { type KernelMode, Parameters, tensorCount, withKernels } from '../../src/engine';
import { AdamW } from '../../src/training';
import { assertClose } from '../support/assert';
import { jsonFixture } from '../support/fixtures';
import { addGradient } from '../support/gradients';
import { kernelModes } from '../support/model-fixture';
import { wave } from '../support/wave';

interface Expected {
  readonly steps: readonly { norm: number; weights: readonly (readonly number[])[] }[];
}

const shapes = [[7], [3, 5], [2, 3, 4]] as const;

describe('AdamW', () => {
  for (const kernels of kernelModes)
    it(`takes torch's steps under torch's gradient clipping, ${kernels} kernels`, () => {
      withKernels(kernels, () => checkAgainstTorch(kernels));
    });

  it('counts steps, so that bias correction goes on where it was', () => {
    const weights = Parameters.allocate([['w', [1]]]);
    const optimizer = new AdamW([weights]);
    optimizer.step(0.1);
    assert.equal(optimizer.stepCount, 1);
    optimizer.resumeAt(41);
    optimizer.step(0.1);
    assert.equal(optimizer.stepCount, 42);
    optimizer.dispose();
    weights.dispose();
  });
});

function checkAgainstTorch(kernels: KernelMode): void {
  const { steps } = jsonFixture<Expected>('training', 'adamw.json');
  const before = tensorCount();
  // Two sets of weights: the norm is that of all gradients together.
  const first = Parameters.allocate([
    ['a', shapes[0]],
    ['b', shapes[1]],
  ]);
  const second = Parameters.allocate([['c', shapes[2]]]);
  const places = [
    [first, 'a'],
    [first, 'b'],
    [second, 'c'],
  ] as const;
  const fill = (write: (weights: Parameters, name: string, i: number) => void) => {
    places.forEach(([weights, name], i) => {
      write(weights, name, i);
    });
  };
  fill((weights, name, i) => weights.write(name, wave(weights.shape(name), i)));
  const optimizer = new AdamW([first, second], { beta2: 0.99, weightDecay: 0.1 });
  steps.forEach(({ norm, weights: expected }, step) => {
    fill((weights, name, i) => {
      const gradient = wave(weights.shape(name), 10 * step + i).map((x) => x * 10 ** (step - 3));
      addGradient(weights, name, gradient);
    });
    assertClose(optimizer.step(1e-2, { maxGradNorm: 1 }), norm, { rtol: 1e-5, label: 'norm' });
    fill((weights, name, i) => {
      const label = `${kernels}, step ${step}, ${name}`;
      assertClose(weights.read(name), expected[i] ?? [], { rtol: 2e-6, label });
    });
  });
  for (const owner of [optimizer, first, second]) owner.dispose();
  assert.equal(tensorCount(), before);
}
