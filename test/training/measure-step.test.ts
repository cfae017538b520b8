import assert from 'node:assert/strict';
import { noiseSchedule } from '../../src/diffusion';
import { tensorCount } from '../../src/engine';
import { loadPipeline, type Pipeline } from '../../src/hub';
import { TorchGenerator } from '../../src/random';
import {
  type MeasureStepOptions,
  measureStep,
  paritySwitches,
  preferenceStep,
  relativeDistance,
} from '../../src/training';
import { fixturePath } from '../support/fixtures';
import { channelsLast, wave } from '../support/wave';

const PAIRS = 2;
const fixed = paritySwitches('fixed');

function pairBatch() {
  const shape = [2 * PAIRS, 3, 16, 16];
  return {
    pixelValues: channelsLast(wave(shape, 1), shape),
    pixelShape: [2 * PAIRS, 16, 16, 3],
    inputIds: new Int32Array(PAIRS * 77),
    captions: ['', ''],
  } as const;
}

describe('measureStep', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });

  const measured = (options: Partial<MeasureStepOptions> = {}) =>
    measureStep(pairBatch(), { pipeline, parity: fixed, seed: 4, ...options });

  it('has the figures and the gradient of a preference step, and leaves nothing behind', () => {
    const parameters = pipeline.unet.parameters.clone().trainable();
    const record = preferenceStep({
      ...pipeline,
      policy: { ...pipeline.unet, parameters, p: parameters.tree() },
      reference: pipeline.unet,
      schedule: noiseSchedule(pipeline.scheduler),
      generator: new TorchGenerator(4),
      loss: 'dpo',
      lossOptions: { betaDpo: 300, implicitAccTies: 'half' },
    })(pairBatch(), 1);
    const gradNorm = Math.sqrt(parameters.squaredGradNorm());
    const first = parameters.readGrad(parameters.names[0] as string);
    parameters.dispose();

    const before = tensorCount();
    const found = measured({ betaDpo: 300 });
    assert.equal(tensorCount(), before);
    assert.equal(pipeline.unet.parameters.isTrainable, false);
    const { gradient, gradNorm: foundNorm, ...figures } = found;
    assert.deepEqual(figures, record);
    assert.deepEqual(gradient.subarray(0, first.length), first);
    assert.equal(gradient.length, pipeline.unet.parameters.elementCount);
    assert.ok(Math.abs(foundNorm / gradNorm - 1) < 1e-5);
  });

  it("draws the text encoder's numbers first where the switch says so", () => {
    const drawn = measured({ parity: { ...fixed, textEncoderDraws: 'drawn' } });
    assert.notEqual(drawn.modelLossW, measured().modelLossW);
  });

  it('trains turbo on a schedule whose last step is noise alone: there the gradient cancels', () => {
    const parity = { ...fixed, turboLastTimestep: 'kept' } as const;
    const options = { parity, noising: { timesteps: 'turbo' } } as const;
    const all = Array.from({ length: 16 }, (_, seed) => measured({ ...options, seed }));
    const norms = all.map(({ gradNorm }) => gradNorm).sort((a, b) => a - b);
    const [least = 1, most = 0] = [norms[0], norms.at(-1)];
    assert.ok(least < 1e-5 * most, `${least} of ${most}`); // winner and loser differ by rounding
    assert.ok(all.every(({ loss }) => loss === Math.fround(Math.LN2)));
  });

  it('measures with another policy, which keeps its weights', () => {
    const parameters = pipeline.unet.parameters.clone();
    const name = 'conv_out.bias';
    parameters.write(
      name,
      parameters.read(name).map((x) => x + 0.01),
    );
    const moved = parameters.read(name);
    const policy = { ...pipeline.unet, parameters, p: parameters.tree<typeof pipeline.unet.p>() };
    assert.notEqual(measured({ policy }).loss, Math.fround(Math.LN2));
    assert.deepEqual(parameters.read(name), moved);
    parameters.dispose();
  });
});

describe('relativeDistance', () => {
  it('is the length of the difference over that of the first', () => {
    const [a, b] = [new Float32Array([3, 4]), new Float32Array([3, 1])];
    assert.ok(Math.abs(relativeDistance(a, b) - 3 / 5) < 1e-7);
    assert.equal(relativeDistance(a, a), 0);
    assert.throws(() => relativeDistance(a, new Float32Array(3)), /2 numbers .* 3/);
  });
});
