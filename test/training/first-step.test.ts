import assert from 'node:assert/strict';
import { noiseSchedule } from '../../src/diffusion';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import type { UNet } from '../../src/models';
import { TorchGenerator } from '../../src/random';
import { type PairBatch, type PreferenceStepOptions, preferenceStep } from '../../src/training';
import { ORACLE_PIPELINE } from '../support/oracle-run';
import { channelsLast, wave } from '../support/wave';

type Mode = Pick<PreferenceStepOptions, 'lossOptions' | 'noising' | 'mixedPrecision' | 'recompute'>;

const shifted = { noiseOffset: 0.1, inputPerturbation: 0.1 };

/** All that may differ before the first step; ties are no hits, or half of one. */
const MODES: Readonly<Record<string, Mode>> = {
  'as it is': {},
  'with ties counted as half': { lossOptions: { implicitAccTies: 'half' } },
  'with noise perturbed before the pairing': {
    noising: { ...shifted, perturbationOrder: 'before pairing' },
  },
  'with noise perturbed after the pairing': {
    noising: { ...shifted, perturbationOrder: 'after pairing' },
  },
  'at the times of a turbo model': {
    noising: { timesteps: 'turbo', turboLastTimestep: 'kept' },
  },
  'at the times of a refiner': { noising: { timesteps: 'refiner' } },
  'in bf16': { mixedPrecision: 'bf16' },
  'with blocks computed again': { recompute: 'blocks' },
};

/** Two pairs. */
const batch: PairBatch = {
  pixelValues: channelsLast(wave([4, 3, 64, 64], 1), [4, 3, 64, 64]),
  pixelShape: [4, 64, 64, 3],
  inputIds: Int32Array.from({ length: 2 * 77 }, (_, i) => (i * 7) % 500),
  captions: ['', ''],
};

describe('a policy that is its reference', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(ORACLE_PIPELINE);
  });
  after(() => disposePipeline(pipeline));

  /** DPO's first micro-step, and the norm of its gradient. */
  function firstStep(mode: Mode) {
    const parameters = pipeline.unet.parameters.clone().trainable();
    const policy: UNet = { ...pipeline.unet, parameters, p: parameters.tree() };
    const schedule = noiseSchedule(pipeline.scheduler);
    const models = { ...pipeline, policy, reference: pipeline.unet, schedule };
    const generator = new TorchGenerator(7);
    const record = preferenceStep({ ...models, generator, ...mode, loss: 'dpo' })(batch, 1);
    const gradNorm = Math.sqrt(parameters.squaredGradNorm());
    parameters.dispose();
    return { ...record, gradNorm };
  }

  for (const [name, mode] of Object.entries(MODES))
    it(`has the loss ln 2 to the last bit and a gradient, ${name}`, () => {
      const record = firstStep(mode);
      assert.equal(record.loss, Math.fround(Math.LN2));
      assert.equal(record.implicitAcc, mode.lossOptions?.implicitAccTies === 'half' ? 0.5 : 0);
      assert.equal(record.gradientFactor, 0.5);
      assert.ok(record.margin === 0); // of either sign
      assert.equal(record.modelLossW, record.refLossW);
      assert.equal(record.modelLossL, record.refLossL);
      assert.ok(record.gradNorm > 100);
    });

  it('does not where the reference errs in half precision alone, as the original in fp16', () => {
    const { loss } = firstStep({ lossOptions: { referenceErrors: 'bfloat16' } });
    assert.ok(Math.abs(loss - Math.LN2) > 0.01, `${loss}`);
  });
});
