import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tensorCount } from '../../../src/engine';
import { disposePipeline, loadClipModel, loadPipeline } from '../../../src/hub';
import { resolvePart } from '../../../src/hub/remote/resolve';
import { fixturePath } from '../../support/fixtures';
import { request, run } from '../../support/train-run';
import { contentsOf, inEnvironment, withHub } from '../../support/with-hub';

const tiny = fixturePath('pipelines', 'tiny-sd');

describe('loading by a name of the hub', () => {
  it('loads a pipeline as from its folder, with a denoiser and an autoencoder of other repositories', () =>
    withHub(async ({ hub, options }) => {
      hub.add('someone/tiny-sd', contentsOf(tiny));
      hub.add('someone/tuned', contentsOf(join(tiny, 'unet'), 'unet/'));
      hub.add('someone/vae', contentsOf(join(tiny, 'vae')));
      const before = tensorCount();
      const here = await loadPipeline(tiny);
      const parts = { unet: 'someone/tuned', vae: 'someone/vae' };
      const there = await loadPipeline('someone/tiny-sd', { ...options, ...parts });
      for (const part of ['unet', 'vae', 'textEncoder'] as const)
        assert.deepEqual(there[part].config.json, here[part].config.json);
      const weight = ({ unet }: typeof here) => unet.p.conv_in.weight.dataSync();
      assert.deepEqual(weight(there), weight(here));
      for (const pipeline of [here, there]) disposePipeline(pipeline);
      assert.equal(tensorCount(), before);
      const bytes = (folder: string) =>
        statSync(join(tiny, folder, 'diffusion_pytorch_model.safetensors')).size;
      const twice = hub.asked.filter(({ path }) =>
        /tiny-sd\/resolve.*(unet|vae).*(safet|bin)/.test(path),
      );
      assert.deepEqual(
        twice.map(({ path }) => path),
        [],
        'parts that others take the place of',
      );
      assert.ok(hub.bytesSent > bytes('unet') + bytes('vae'));
    }));

  it('finds a part at the root of a repository, also without the network', () =>
    withHub(async ({ hub, options }) => {
      hub.add('someone/vae', contentsOf(join(tiny, 'vae')));
      const online = await resolvePart('someone/vae', 'vae', options);
      assert.ok(existsSync(join(online, 'diffusion_pytorch_model.safetensors')));
      const off = { ...options, network: 'offline' } as const;
      assert.equal(await resolvePart('someone/vae', 'vae', off), online);
      await hub.close();
      assert.equal(await resolvePart('someone/vae', 'vae', options), online);
    }));

  it('loads a CLIP model', () =>
    withHub(async ({ hub, options }) => {
      hub.add('someone/clip', contentsOf(fixturePath('pipelines', 'tiny-clip')));
      const { model, tokenizer } = await loadClipModel('someone/clip', options);
      model.parameters.dispose();
      assert.ok(tokenizer.modelMaxLength > 0);
    }));

  it('trains on model, denoiser and pairs by their names as by their folders, and notes their commits', () =>
    withHub(async ({ hub, folder, options }) => {
      const model = hub.add('someone/tiny-sd', contentsOf(tiny));
      const unet = hub.add('someone/tuned', contentsOf(join(tiny, 'unet'), 'unet/'));
      const pairs = contentsOf(fixturePath('oracle', 'pickapic_tiny'));
      const data = hub.add('someone/pairs', pairs, 'dataset');
      const names = {
        pretrainedModelNameOrPath: 'someone/tiny-sd',
        unetInit: 'someone/tuned',
        datasetName: 'someone/pairs',
        cacheDir: join(folder, 'elsewhere'),
      };
      await inEnvironment(options.env, async () => {
        const [near, far] = [join(folder, 'near'), join(folder, 'far')];
        const here = await run(request(near, { maxTrainSteps: 1 }));
        const there = await run(request(far, { maxTrainSteps: 1, ...names }));
        const losses = ({ records }: typeof here) => records.map(({ step, loss }) => [step, loss]);
        assert.deepEqual(losses(there), losses(here));
        assert.equal(here.records.length, 1);
        assert.ok(existsSync(join(folder, 'elsewhere', 'models--someone--tiny-sd')));
        assert.ok(!existsSync(join(folder, 'cache', 'hub')), 'the cache is the one that is named');
        const written = (out: string) => JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
        assert.ok(!('hubCommits' in written(near)));
        const { hubCommits } = written(far);
        assert.deepEqual(hubCommits, {
          'someone/tiny-sd': model,
          'someone/tuned': unet,
          'datasets/someone/pairs': data,
        });

        const now = hub.add('someone/tiny-sd', { 'README.md': 'new' });
        const again = await run({ ...written(far), maxTrainSteps: 2 }); // config.json may be given back whole
        const told = `someone/tiny-sd was at commit ${model} when the run began, and is at ${now} now.`;
        assert.ok(again.notes.includes(told), again.notes.join('\n'));
        assert.equal(written(far).hubCommits['someone/tiny-sd'], now);
      });
    }));

  it('refuses what is no folder and no name', async () => {
    await assert.rejects(
      loadPipeline('no-such-model'),
      /"no-such-model" is no folder or file here/,
    );
  });
});
