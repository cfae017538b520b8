import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tensorCount } from '../../../src/engine';
import { disposePipeline, loadClipModel, loadPipeline } from '../../../src/hub';
import { fixturePath } from '../../support/fixtures';
import { request, run } from '../../support/train-run';
import { withHub } from '../../support/with-hub';

/** The files of a folder, as a repository's. @param under a folder of the repository to put them in */
function contentsOf(folder: string, under = ''): Record<string, Buffer> {
  const names = readdirSync(folder, { recursive: true }).map(String);
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [under + name, readFileSync(join(folder, name))]));
}

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
      const twice = hub.asked.filter(({ path }) => /tiny-sd\/resolve.*(unet|vae)/.test(path));
      assert.deepEqual(
        twice.map(({ path }) => path),
        [],
        'parts that others take the place of',
      );
      assert.ok(hub.bytesSent > bytes('unet') + bytes('vae'));
    }));

  it('loads a CLIP model', () =>
    withHub(async ({ hub, options }) => {
      hub.add('someone/clip', contentsOf(fixturePath('pipelines', 'tiny-clip')));
      const { model, tokenizer } = await loadClipModel('someone/clip', options);
      model.parameters.dispose();
      assert.ok(tokenizer.modelMaxLength > 0);
    }));

  it('trains on model, denoiser and pairs by their names as by their folders', () =>
    withHub(async ({ hub, folder, options }) => {
      hub.add('someone/tiny-sd', contentsOf(tiny));
      hub.add('someone/tuned', contentsOf(join(tiny, 'unet'), 'unet/'));
      hub.add('someone/pairs', contentsOf(fixturePath('oracle', 'pickapic_tiny')), 'dataset');
      const names = {
        pretrainedModelNameOrPath: 'someone/tiny-sd',
        unetInit: 'someone/tuned',
        datasetName: 'someone/pairs',
      };
      const outside = Object.keys(options.env).map((name) => [name, process.env[name]] as const);
      try {
        Object.assign(process.env, options.env);
        const steps = { maxTrainSteps: 1 };
        const near = await run(request(join(folder, 'near'), steps));
        const far = await run(request(join(folder, 'far'), { ...steps, ...names }));
        const losses = ({ records }: typeof near) => records.map(({ step, loss }) => [step, loss]);
        assert.deepEqual(losses(far), losses(near));
        assert.equal(near.records.length, 1);
      } finally {
        for (const [name, value] of outside)
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
      }
    }));

  it('refuses what is no folder and no name', async () => {
    await assert.rejects(
      loadPipeline('no-such-model'),
      /"no-such-model" is no folder or file here/,
    );
  });
});
