/** `--gradient_checkpointing`: what it saves, and that it changes nothing else. */
import assert from 'node:assert/strict';
import { noiseSchedule } from '../../src/diffusion';
import { type MixedPrecision, peakTensorBytes, profile } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import type { UNet } from '../../src/models';
import { TorchGenerator } from '../../src/random';
import { WORLD_FOLDER } from '../../src/toyworld/world';
import { dpoStep, type PairBatch, type PreferenceStepOptions } from '../../src/training';
import { channelsLast, wave } from '../support/wave';

const pairs = 8;
const shape = [2 * pairs, 3, 32, 32];

const batch: PairBatch = {
  pixelValues: channelsLast(wave(shape, 1), shape),
  pixelShape: [2 * pairs, 32, 32, 3],
  inputIds: new Int32Array(pairs * 20),
  captions: new Array<string>(pairs).fill(''),
};

describe("dpoStep with the world's denoiser, blocks computed again", () => {
  let world: Pipeline;
  before(async () => {
    world = await loadPipeline(`${WORLD_FOLDER}/base`);
  });
  after(() => disposePipeline(world));

  function step(mixedPrecision: MixedPrecision, recompute: PreferenceStepOptions['recompute']) {
    const parameters = world.unet.parameters.clone().trainable();
    const policy: UNet = { ...world.unet, parameters, p: parameters.tree() };
    const models = { ...world, policy, reference: world.unet };
    const parts = { ...models, schedule: noiseSchedule(world.scheduler), mixedPrecision };
    const take = dpoStep({ ...parts, generator: new TorchGenerator(0), recompute });
    const { value: profiled, growth } = peakTensorBytes(() => profile(() => take(batch, 1)));
    const gradients = parameters.names.map((name) => [name, parameters.readGrad(name)] as const);
    parameters.dispose();
    const calls = profiled.operations.reduce((n, operation) => n + operation.calls, 0);
    return { gradients, calls, megabytes: growth / 1e6 };
  }

  for (const precision of ['no', 'bf16'] as const)
    it(`has every gradient, bit for bit, in less memory (${precision})`, () => {
      const [kept, again] = [step(precision, 'none'), step(precision, 'blocks')];
      for (const [i, [name, gradient]] of again.gradients.entries()) {
        assert.deepEqual(gradient, kept.gradients[i]?.[1], name);
        assert.ok(
          gradient.some((x) => x !== 0),
          name,
        );
      }
      const told = `${again.megabytes} MB instead of ${kept.megabytes}, ${again.calls} calls instead of ${kept.calls}`;
      assert.ok(again.megabytes < 0.4 * kept.megabytes, told);
      assert.ok(again.calls > 1.1 * kept.calls, told);
    });
});
