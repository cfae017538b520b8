import assert from 'node:assert/strict';
import { join, resolve as resolvePath } from 'node:path';
import { planLines, timeLine } from '../../src/cli/plan-text';
import { trainCommand } from '../../src/cli/train-args';
import { adafactorShapes, tensorCount } from '../../src/engine';
import { engineShape, resolve } from '../../src/hub';
import { unetConfig, unetWeights } from '../../src/models';
import { UNET_JSON } from '../../src/toyworld/model-configs';
import { planRun } from '../../src/training/run-plan';
import { fixturePath } from '../support/fixtures';
import { contentsOf, HASTY, withHub } from '../support/with-hub';

const root = resolvePath(__dirname, '..', '..');
const command = (...words: readonly string[]) => {
  const local = ['--pretrained_model_name_or_path', `${root}/data/base`];
  const data = ['--dataset_name', `${root}/data/pairs`];
  return trainCommand(['--preset', 'toy', ...local, ...data, ...words]);
};
const plan = (...words: readonly string[]) => planRun(command(...words).options);

async function modelPlan(...words: readonly string[]) {
  const { model } = await plan(...words);
  if ('unknown' in model) throw new Error(model.unknown);
  return model;
}

describe('planRun', () => {
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
    const off = { env: { HF_HUB_OFFLINE: '1', HF_HOME: '/no/such/cache' } };
    const named = command('--pretrained_model_name_or_path', 'owner/name').options;
    const text = planLines(await planRun(named, off)).join('\n');
    assert.match(text, /^parameters +not known until "owner\/name" is downloaded from the hub$/m);
    const why =
      'owner/name is not in the cache (/no/such/cache/hub), and the network is off (HF_HUB_OFFLINE)';
    assert.ok(text.includes(`\nfrom the hub            ${why}\n`), text);
    assert.match(text, /^pairs +kept 6331 of 6912, 581 ties$/m);
    assert.match(text, /^steps +200, in 2 epochs of 197 steps from 197 micro-batches$/m);
    // half a second a micro-batch, two a step, and 0.2 for the optimizer, 200 steps
    const two = await plan('--gradient_accumulation_steps', '2');
    const time = timeLine(two, { micro: 0.5, update: 0.2 });
    assert.match(time, /^time +4:00 on this machine as it is now, 1\.2 s a step; estimated/);
  });

  it('tells what the hub would send, and plans by what describes the models', () =>
    withHub(async ({ hub, folder, options }) => {
      const { env } = options;
      const model = hub.add('someone/toy', contentsOf(`${root}/data/base`));
      const vae = hub.add('someone/vae', contentsOf(`${root}/data/base/vae`));
      const pairs = contentsOf(fixturePath('oracle', 'pickapic_tiny'));
      const data = hub.add('someone/pairs', pairs, 'dataset');
      const weightsOfScorer = Buffer.alloc(3_000_000);
      const scorer = hub.add('yuvalkirstain/PickScore_v1', {
        ...{ 'model.safetensors': weightsOfScorer, 'pytorch_model.bin': weightsOfScorer },
        'tokenizer.json': Buffer.from('{}'),
      });
      const choice = ['--choice_model', 'pickscore'];
      const names = [
        ...choice,
        '--dataset_name',
        'someone/pairs',
        '--cache_dir',
        join(folder, 'here'),
      ];
      const models = ['--pretrained_model_name_or_path', 'someone/toy'];
      const vaeOf = ['--pretrained_vae_model_name_or_path', 'someone/vae'];
      const { options: asked } = command(...models, ...vaeOf, ...names);
      const before = tensorCount();
      const made = await planRun(asked, { env });
      const near = await plan();
      assert.ok('parameters' in made.model && 'parameters' in near.model);
      assert.deepEqual(made.model.parameters, near.model.parameters);
      assert.equal(tensorCount(), before);
      const bytes = (of: string) =>
        made.downloads.flatMap(({ name, plan: { ...told } }) =>
          name === of && 'files' in told ? told.files.map(({ size }) => size) : [],
        );
      const sum = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0);
      const parquet = Object.values(pairs).filter((file) => file.length > 10_000);
      assert.equal(sum(bytes('someone/pairs')), sum(parquet.map((file) => file.length)));
      const weights = hub.asked.filter(({ host }) => host === 'cdn');
      assert.deepEqual(weights, [], 'a plan fetches no weights');
      const lines = planLines(made).join('\n');
      const line = (name: string, commit: string, rest: string) =>
        assert.match(
          lines,
          new RegExp(`^from the hub +${name} at ${commit.slice(0, 8)}: ${rest}`, 'm'),
        );
      line('someone/toy', model, '\\d+ files, 8 MB, 8 MB to download$');
      line('someone/vae', vae, '2 files, 2 MB, 2 MB to download$');
      line('yuvalkirstain/PickScore_v1', scorer, '2 files, 4 MB, 4 MB to download$');
      line(
        'someone/pairs',
        data,
        '1 file, 1 MB, 1 MB to download; of it those columns that are read$',
      );

      await resolve('someone/vae', { env, cacheDir: join(folder, 'here') });
      const later = planLines(await planRun(asked, { env })).join('\n');
      assert.match(later, /someone\/vae at \w+: 2 files, 2 MB, all in the cache$/m);
      await hub.close();
      const kept = await planRun(asked, { env, patience: HASTY });
      const places = kept.downloads.map(({ name, plan: told }) => [name, 'source' in told]);
      const cut = [
        ['someone/toy', false],
        ['someone/vae', true],
        ['yuvalkirstain/PickScore_v1', false],
        ['someone/pairs', true],
      ];
      assert.deepEqual(places, cut, 'the cache is looked at where the hub does not answer');
      const gone = command(...models, ...names).options;
      const [first] = (await planRun(gone, { env, patience: HASTY })).downloads;
      assert.match(JSON.stringify(first?.plan), /127\.0\.0\.1:\d+ cannot be reached/);
    }));

  it('refuses at once what the hub does not have', () =>
    withHub(async ({ options: { env } }) => {
      const { options } = command('--unet_init', 'someone/nothing');
      await assert.rejects(planRun(options, { env, patience: HASTY }), {
        name: 'HubError',
        message: /^someone\/nothing is not shown without a login \(401\)/,
      });
    }));
});
