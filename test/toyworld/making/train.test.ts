import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { accumulateGrads, Parameters, tensor, tidy } from '../../../src/engine';
import { train } from '../../../src/toyworld/making/train';
import { assertClose } from '../../support/assert';
import { inTemporaryFolder } from '../../support/temporary';

/** Two numbers that are pulled towards random places near (1, −1). */
function problem(checkpoint?: string) {
  const w = Parameters.allocate([['w', [2]]]);
  const plan = {
    weights: { w },
    steps: 40,
    learningRate: 0.1,
    warmupSteps: 4,
    optimizer: { weightDecay: 0 },
    emaDecay: 0.9,
    seed: 5,
    secondsBetweenCheckpoints: 0,
    ...(checkpoint ? { checkpoint } : {}),
    batch: (generator: { randn(n: number): Float32Array }) =>
      tidy(() => {
        const [a = 0, b = 0] = generator.randn(2);
        const target = tensor([1 + 0.1 * a, -1 + 0.1 * b], [2]);
        const loss = accumulateGrads(() => w.tensor('w').sub(target).square().sum());
        return { loss: loss.item() };
      }),
  };
  return { w, plan };
}

describe('train', () => {
  it('comes to the minimum and leaves the moving average in the weights', async () => {
    const { w, plan } = problem();
    const steps: number[] = [];
    for await (const { step, figures } of train(plan)) {
      steps.push(step);
      assert.ok(Number.isFinite(figures.loss));
    }
    assert.equal(steps.length, 40);
    assertClose(w.read('w'), Float32Array.of(1, -1), { rtol: 0.25 });
    w.dispose();
  });

  it('takes the same steps after an interruption', () =>
    inTemporaryFolder(async (folder) => {
      const whole = problem();
      for await (const _ of train(whole.plan));
      const checkpoint = join(folder, 'state.safetensors');
      const first = problem(checkpoint);
      for await (const { step } of train(first.plan)) if (step === 18) break;
      assert.ok(existsSync(checkpoint));
      const second = problem(checkpoint);
      const steps: number[] = [];
      for await (const { step } of train(second.plan)) steps.push(step);
      assert.ok((steps[0] ?? 0) > 1 && steps.length < 40);
      assert.deepEqual(second.w.read('w'), whole.w.read('w'));
      assert.ok(!existsSync(checkpoint));
      for (const { w } of [whole, first, second]) w.dispose();
    }));
});
