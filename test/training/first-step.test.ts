import assert from 'node:assert/strict';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import { firstBatch } from '../../src/toyworld';
import { type PreferenceStepOptions, preferenceStep } from '../../src/training';
import { fixturePath } from '../support/fixtures';
import { prepareRun } from '../support/oracle-run';

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

describe('a policy that is its reference', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('oracle', 'tiny-sd15'));
  });
  after(() => disposePipeline(pipeline));

  for (const [name, mode] of Object.entries(MODES))
    it(`has the loss ln 2 to the last bit and a gradient, ${name}`, async () => {
      const { parts, optimizer, batches, dispose } = await prepareRun(pipeline, {
        maxTrainSteps: 1,
      });
      const batch = await firstBatch(batches);
      const record = preferenceStep({ ...parts, ...mode, loss: 'dpo' })(batch, 1);
      assert.equal(record.loss, Math.fround(Math.LN2));
      assert.equal(record.implicitAcc, mode.lossOptions?.implicitAccTies === 'half' ? 0.5 : 0);
      assert.equal(record.gradientFactor, 0.5);
      assert.ok(record.margin === 0); // of either sign
      assert.equal(record.modelLossW, record.refLossW);
      assert.equal(record.modelLossL, record.refLossL);
      assert.ok(optimizer.gradNorm() > 100);
      await dispose();
    });

  it('does not where the reference errs in half precision alone, as the original in fp16', async () => {
    const { parts, batches, dispose } = await prepareRun(pipeline, { maxTrainSteps: 1 });
    const batch = await firstBatch(batches);
    const lossOptions = { referenceErrors: 'bfloat16' } as const;
    const { loss } = preferenceStep({ ...parts, lossOptions, loss: 'dpo' })(batch, 1);
    assert.ok(Math.abs(loss - Math.LN2) > 0.01, `${loss}`);
    await dispose();
  });
});
