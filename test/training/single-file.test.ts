/** A run whose model is one file of the original layout. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { disposePipeline, loadPipeline, saveSingleFile } from '../../src/hub';
import { checkPaths } from '../../src/training/option-paths';
import { resolveTrainOptions } from '../../src/training/options';
import { planRun } from '../../src/training/run-plan';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';
import { request, run } from '../support/train-run';

const FOLDER = fixturePath('pipelines', 'tiny-sd');

async function written(file: string): Promise<void> {
  const pipeline = await loadPipeline(FOLDER);
  await saveSingleFile(pipeline, file);
  disposePipeline(pipeline);
}

describe('train, from a single file', () => {
  it('takes the steps that it takes from the folder, and is planned like it', () =>
    inTemporaryFolder(async (folder) => {
      const file = join(folder, 'model.safetensors');
      await written(file);
      const few = { maxTrainSteps: 2 };
      const single = { ...few, pretrainedModelNameOrPath: file, config: FOLDER };
      const [plan, planned] = await Promise.all(
        [single, few].map((rest) => planRun(resolveTrainOptions(request(folder, rest)))),
      );
      assert.ok(plan && planned && 'parameters' in plan.model && 'parameters' in planned.model);
      for (const part of ['parameters', 'weights', 'training', 'activations'] as const)
        assert.deepEqual(planned.model[part], plan.model[part], part);

      const ofFile = await run(request(join(folder, 'file'), single));
      const ofFolder = await run(request(join(folder, 'folder'), few));
      const losses = ({ records }: typeof ofFile) => records.map(({ loss }) => loss);
      assert.deepEqual(losses(ofFile), losses(ofFolder));
      assert.equal(ofFile.result?.ended, 'finished');
      const result = await loadPipeline(join(folder, 'file')); // a folder with its tokenizer
      disposePipeline(result);
    }));

  it('takes a denoiser and an autoencoder from files, too', () =>
    inTemporaryFolder(async (folder) => {
      const [unet, vae] = ['unet', 'vae'].map((part) => join(folder, `${part}.safetensors`));
      for (const [part, to] of [
        ['unet', unet],
        ['vae', vae],
      ] as const)
        copyFileSync(join(FOLDER, part, 'diffusion_pytorch_model.safetensors'), to ?? '');
      const few = { maxTrainSteps: 1 };
      const files = { ...few, unetInit: unet, pretrainedVaeModelNameOrPath: vae };
      assert.ok('parameters' in (await planRun(resolveTrainOptions(request(folder, files)))).model);
      const ofFiles = await run(request(join(folder, 'files'), files));
      const ofFolder = await run(request(join(folder, 'folder'), few));
      assert.equal(ofFiles.records[0]?.loss, ofFolder.records[0]?.loss);
    }));

  it('refuses a --config that is a file, and one beside a folder', () => {
    const check = (rest: object) => () => checkPaths(resolveTrainOptions(request('x', rest)));
    assert.throws(check({ config: FOLDER }), /--config is .* is a folder, which has configs/);
    const pretrainedModelNameOrPath = join(FOLDER, 'model_index.json');
    assert.throws(
      check({ pretrainedModelNameOrPath, config: pretrainedModelNameOrPath }),
      /--config is .*, a file; give the folder of a pipeline/,
    );
  });

  it('is not planned from a file that is still on the hub', async () => {
    const name = 'owner/name/model.safetensors';
    const { model } = await planRun(
      resolveTrainOptions(request('x', { pretrainedModelNameOrPath: name })),
      { env: { HF_HUB_OFFLINE: '1', HF_HOME: '/no/such/cache' } },
    );
    assert.deepEqual(model, { unknown: `not known until "${name}" is downloaded from the hub` });
  });
});
