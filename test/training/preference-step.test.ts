import assert from 'node:assert/strict';
import { noiseSchedule } from '../../src/diffusion';
import { tensorCount } from '../../src/engine';
import { loadPipeline, type Pipeline } from '../../src/hub';
import type { UNet } from '../../src/models';
import { type PreferenceLossName, preferenceLosses } from '../../src/preference';
import { TorchGenerator } from '../../src/random';
import { type PreferenceStepOptions, preferenceStep } from '../../src/training';
import { assertClose, maxError } from '../support/assert';
import { fixturePath } from '../support/fixtures';
import { channelsLast, wave } from '../support/wave';

const names = Object.keys(preferenceLosses) as PreferenceLossName[];

/** One or two pairs of 16 pixels, or their winners. */
function batchOf(pairs: number, pictures: 'both' | 'winner') {
  const rows = pictures === 'both' ? 2 * pairs : pairs;
  const shape = [rows, 3, 16, 16];
  return {
    pixelValues: channelsLast(wave(shape, 1), shape),
    pixelShape: [rows, 16, 16, 3] as const,
    inputIds: Int32Array.from({ length: pairs * 77 }, (_, i) => (i * 7) % 400),
    captions: new Array<string>(pairs).fill(''),
  };
}

describe('preferenceStep', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });

  function parts(loss: PreferenceLossName, policy: UNet): PreferenceStepOptions {
    const generator = new TorchGenerator(7);
    return { ...pipeline, schedule: noiseSchedule(pipeline.scheduler), policy, generator, loss };
  }

  /** The record and the gradient of one micro-step from the reference's weights. */
  function stepFrom(loss: PreferenceLossName, accumulation = 1, more = {}) {
    const parameters = pipeline.unet.parameters.clone().trainable();
    const policy = { ...pipeline.unet, parameters, p: parameters.tree<UNet['p']>() };
    const step = preferenceStep({ ...parts(loss, policy), reference: pipeline.unet, ...more });
    const record = step(batchOf(2, preferenceLosses[loss].pictures), accumulation);
    const gradient = parameters.readGrad('conv_in.weight');
    parameters.dispose();
    return { record, gradient };
  }

  for (const name of names)
    it(`${name}: tells its terms and adds the gradient of its part of a step`, () => {
      const before = tensorCount();
      const { record, gradient } = stepFrom(name);
      const pairTerms = ['implicitAcc', 'modelLossW', 'modelLossL', 'margin', 'gradientFactor'];
      const refTerms = ['refLossW', 'refLossL'];
      const loss = preferenceLosses[name];
      const expected = [
        'loss',
        ...(loss.pictures === 'both' ? pairTerms : []),
        ...(loss.reference === 'needed' ? refTerms : []),
      ];
      assert.deepEqual(Object.keys(record).sort(), expected.sort());
      if (loss.reference === 'needed') {
        assert.equal(record.modelLossW, record.refLossW);
        assert.ok(record.margin === 0, 'policy and reference agree');
      }
      const half = stepFrom(name, 2);
      assert.equal(half.record.loss, record.loss);
      assertClose(
        half.gradient.map((g) => 2 * g),
        gradient,
        { rtol: 1e-6, atol: 0 },
      );
      assert.ok(
        maxError(
          gradient,
          gradient.map(() => 0),
        ).error > 1e-9,
      );
      assert.equal(tensorCount(), before);
    });

  it('gives a loss its constants, and noising its own', () => {
    const [weak, strong] = [1000, 2000].map((betaDpo) =>
      stepFrom('dpo', 1, { lossOptions: { betaDpo } }),
    );
    assertClose(
      (weak?.gradient ?? new Float32Array()).map((g) => 2 * g),
      strong?.gradient ?? [],
      { rtol: 1e-5 },
    );
    const plain = stepFrom('dpo').record.modelLossW ?? 0;
    const perturbed = (perturbationOrder: string) =>
      stepFrom('dpo', 1, { noising: { inputPerturbation: 0.5, perturbationOrder } }).record;
    const [before, after] = ['before pairing', 'after pairing'].map(perturbed);
    assert.notEqual(after?.modelLossW, plain);
    assert.equal(before?.modelLossW, after?.modelLossW);
    assert.notEqual(before?.modelLossL, after?.modelLossL);
  });

  it('rounds the errors of the reference where the original does, so that a run does not start at ln 2', () => {
    const { record } = stepFrom('dpo', 1, { lossOptions: { referenceErrors: 'bfloat16' } });
    assert.notEqual(record.loss, Math.fround(Math.LN2));
    assert.notEqual(record.margin, 0);
  });

  it('refuses a missing reference and batches of other pictures', () => {
    const policy = pipeline.unet;
    assert.throws(() => preferenceStep(parts('kto', policy)), /"kto" compares with a reference/);
    const dpo = preferenceStep({ ...parts('dpo', policy), reference: policy });
    assert.throws(() => dpo(batchOf(1, 'winner'), 1), /"dpo" needs both pictures/);
    const sft = preferenceStep(parts('sft', policy));
    assert.throws(() => sft(batchOf(1, 'both'), 1), /"sft" is of winners/);
  });
});
