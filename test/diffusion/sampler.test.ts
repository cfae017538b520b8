import assert from 'node:assert/strict';
import { makeSampler, type SchedulerConfig } from '../../src/diffusion';
import { tensor, tidy } from '../../src/engine';
import { TorchGenerator } from '../../src/random';
import { assertClose, assertNoLeak } from '../support/assert';
import { fixtureTensor, jsonFixture, tensorFixture } from '../support/fixtures';

interface StepCase {
  readonly name: string;
  readonly config: SchedulerConfig;
  readonly steps: number;
  readonly seed: number;
  readonly eta?: number;
}

const { shape, cases } = jsonFixture<{ shape: number[]; cases: StepCase[] }>(
  'diffusion',
  'steps.json',
);
const tensors = tensorFixture('diffusion', 'steps.safetensors');
const values = (name: string) => Float32Array.from(fixtureTensor(tensors, name).data);
const outputs = values('outputs');
const start = values('start');
const length = start.length;
const row = (data: Float32Array, i: number) => data.slice(i * length, (i + 1) * length);
const inShape = (data: Float32Array) => tensor(data, shape); // the formulas do not care that this is NCHW

/** Runs a case on the stored model outputs; gives the sample and x̂_0 after each step. */
function run({ config, steps, seed, eta }: StepCase) {
  const generator = new TorchGenerator(seed);
  const walk = makeSampler(config).start(steps, {
    eta,
    drawNoise: () => inShape(generator.randn(length)),
  });
  let sample = inShape(start);
  const made = walk.timesteps.map((_, i) => {
    const step = tidy(() => walk.step(i, inShape(row(outputs, i)), sample));
    sample.dispose();
    sample = step.prevSample;
    const original = step.predOriginal.floats();
    step.predOriginal.dispose();
    return { previous: sample.floats(), original };
  });
  walk.dispose();
  sample.dispose();
  return made;
}

describe('makeSampler', () => {
  for (const testCase of cases) {
    it(`steps as diffusers does: ${testCase.name}`, () => {
      const previous = values(`${testCase.name}/previous`);
      const made = run(testCase);
      assert.equal(made.length, previous.length / length, 'number of steps');
      made.forEach((step, i) => {
        assertClose(step.previous, row(previous, i), { rtol: 2e-5, label: `x after step ${i}` });
      });
      if (!tensors.has(`${testCase.name}/original`)) return; // diffusers' PNDM does not tell x̂_0
      const original = values(`${testCase.name}/original`);
      made.forEach((step, i) => {
        assertClose(step.original, row(original, i), { rtol: 2e-5, label: `x̂_0 at step ${i}` });
      });
    });
  }

  it('thresholds one picture by itself', () => {
    const file = { _class_name: 'DDIMScheduler', thresholding: true, sample_max_value: 9 };
    const walk = makeSampler({ ...file, prediction_type: 'sample' }).start(2, {
      drawNoise: () => inShape(start),
    });
    assertNoLeak(() => {
      const x = tensor([0.5, -4, 36, 2], [1, 1, 1, 4]);
      const { prevSample, predOriginal } = walk.step(0, x, x);
      assertClose(predOriginal, [0.5 / 9, -4 / 9, 1, 2 / 9]); // 36 is limited to 9, all are divided by it
      for (const made of [prevSample, predOriginal, x]) made.dispose();
    });
  });

  it('leaves no tensor alive', () => {
    for (const testCase of cases) assertNoLeak(() => run(testCase));
  });
});
