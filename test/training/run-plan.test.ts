import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { planLines, timeLine } from '../../src/cli/plan-text';
import { trainCommand } from '../../src/cli/train-args';
import { adafactorShapes, tensorCount } from '../../src/engine';
import { engineShape } from '../../src/hub';
import { unetConfig, unetWeights } from '../../src/models';
import { UNET_JSON } from '../../src/toyworld/model-configs';
import { planRun } from '../../src/training/run-plan';

const root = resolve(__dirname, '..', '..');
const plan = (...words: readonly string[]) => {
  const local = ['--pretrained_model_name_or_path', `${root}/data/base`];
  const data = ['--dataset_name', `${root}/data/pairs`];
  return planRun(trainCommand(['--preset', 'toy', ...local, ...data, ...words]).options);
};

async function modelPlan(...words: readonly string[]) {
  const { model } = await plan(...words);
  if ('unknown' in model) throw new Error(model.unknown);
  return model;
}

describe('planRun', function () {
  this.timeout(60_000);

  it('counts pairs, steps and parameters of local folders, and leaves no tensor', async () => {
    const before = tensorCount();
    const { data, model } = await plan();
    const none = { unlabelled: 0, notDreamlike: 0, notChosen: 0 };
    assert.deepEqual(data, {
      counts: { total: 6912, kept: 6331, ties: 581, ...none },
      ...{ batchesPerEpoch: 197, stepsPerEpoch: 197, numTrainEpochs: 2 },
    });
    assert.ok('parameters' in model);
    const unet = 3_708_356;
    const sizes = { unet, vae: 835_047, textEncoder: 146_176, trained: unet };
    assert.deepEqual(model.parameters, sizes);
    assert.equal(model.weights, 4 * (2 * unet + sizes.vae + sizes.textEncoder));
    assert.equal(model.training, 3 * 4 * unet);
    assert.equal(tensorCount(), before);
  });

  it('counts no second UNet for losses without a reference and for adapters', async () => {
    const [dpo, sft, lora, ema] = [
      await modelPlan(),
      await modelPlan('--sft'),
      await modelPlan('--lora_rank', '4'),
      await modelPlan('--use_ema'),
    ];
    const unet = 4 * dpo.parameters.unet;
    const adapter = 4 * lora.parameters.trained;
    assert.equal(dpo.weights - sft.weights, unet);
    assert.equal(dpo.weights - lora.weights, unet - adapter);
    assert.equal(ema.weights - dpo.weights, unet);
    assert.equal(lora.training, 3 * adapter);
    assert.ok(sft.activations < 0.6 * dpo.activations); // half of the pictures
    // A convolution's squares are averaged over kH and over kW only: 6/9 of 3 × 3 remain.
    const adafactor = await modelPlan('--use_adafactor');
    const shapes = unetWeights(unetConfig(UNET_JSON)).map(([, shape]) =>
      adafactorShapes(engineShape(shape)),
    );
    const kept = shapes.flatMap(({ row, column }) =>
      row.length === 1 && row[0] === 1 ? [column] : [row, column],
    );
    const numbers = kept.reduce((sum, shape) => sum + shape.reduce((n, d) => n * d, 1), 0);
    assert.equal(adafactor.training, unet + 4 * numbers);
  });

  it('says what is not known before a download, and prints the rest', async () => {
    const toy = await plan('--pretrained_model_name_or_path', 'owner/name');
    const text = planLines(toy).join('\n');
    assert.match(text, /^parameters +not known until "owner\/name" is downloaded from the hub$/m);
    assert.match(text, /^pairs +kept 6331 of 6912, 581 ties$/m);
    assert.match(text, /^steps +200, in 2 epochs of 197 steps from 197 micro-batches$/m);
    // half a second a micro-batch, two a step, and 0.2 for the optimizer, 200 steps
    const two = await plan('--gradient_accumulation_steps', '2');
    const time = timeLine(two, { micro: 0.5, update: 0.2 });
    assert.match(time, /^time +4:00 on this machine as it is now, 1\.2 s a step; estimated/);
  });
});
