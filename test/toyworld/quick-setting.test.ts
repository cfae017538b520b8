import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubError } from '../../src/hub';
import { quickSetting, WORLD_FOLDER } from '../../src/toyworld';
import { inTemporaryFolder } from '../support/temporary';

/** No network, and nothing in the cache. */
const away = <T>(use: (folder: string, hub: { readonly env: NodeJS.ProcessEnv }) => Promise<T>) =>
  inTemporaryFolder((folder) => use(folder, { env: { HF_HOME: folder, HF_HUB_OFFLINE: '1' } }));

/** A folder in which `files` exist. */
function folderWith(folder: string, files: readonly string[]): string {
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), '{}');
  }
  return folder;
}

const NOTEBOOK = JSON.stringify({
  cells: [{ cell_type: 'code', source: 'example_prompts = ["a cat", "a dog"]' }],
});

describe('quickSetting', () => {
  it('is the world where the models are out of reach, and says why', async () => {
    const setting = await away((_, hub) => quickSetting('sdxl', hub));
    const { family, base, dpoUnet, prompts, guidanceScale, numInferenceSteps, says } = setting;
    assert.deepEqual([family, base, dpoUnet], ['world', join(WORLD_FOLDER, 'base'), undefined]);
    assert.deepEqual([prompts.length, numInferenceSteps, guidanceScale], [16, 20, 2]);
    assert.match(
      says,
      /^stabilityai\/stable-diffusion-xl-base-1\.0 is not in the cache .*HF_HUB_OFFLINE/,
    );
    assert.match(says, /So this is the embedded world, not "sdxl"/);
  });

  it('looks nowhere where the world is asked for', async () => {
    const { family, says } = await quickSetting('world');
    assert.equal(family, 'world');
    assert.match(says, /^As asked, this is the embedded world: /);
  });

  it("takes one's own folders, and the prompts of a notebook", () =>
    away(async (folder, hub) => {
      const base = folderWith(join(folder, 'base'), ['model_index.json']);
      const dpoUnet = folderWith(join(folder, 'dpo'), ['unet/config.json']);
      const scorer = folderWith(join(folder, 'clip'), ['config.json']);
      const promptsFrom = join(folder, 'quick_samples.ipynb');
      writeFileSync(promptsFrom, NOTEBOOK);
      const own = { base, dpoUnet, scorer };
      const setting = await quickSetting('sdxl', { ...hub, own, promptsFrom });
      const { family, variant, guidanceScale, numInferenceSteps, prompts } = setting;
      assert.deepEqual([setting.base, setting.dpoUnet, setting.scorer], [base, dpoUnet, scorer]);
      assert.deepEqual(
        [family, variant, guidanceScale, numInferenceSteps],
        ['sdxl', undefined, 5, 50],
      );
      assert.deepEqual(prompts, ['a cat', 'a dog']);
      const offline = await quickSetting('sd15', { ...hub, own });
      assert.equal(offline.guidanceScale, 7.5);
      assert.ok(offline.prompts.length > 0);
      assert.match(offline.says, /The network is off, .* prompts are our own\.$/s);
    }));

  it('never puts the world in the place of a folder that was named', () =>
    away(async (folder, hub) => {
      const base = folderWith(join(folder, 'base'), ['model_index.json']);
      await assert.rejects(
        quickSetting('sd15', { ...hub, own: { base } }),
        (error) => error instanceof HubError && /mhdang\/dpo-sd1\.5/.test(error.message),
      );
    }));

  it('refuses a notebook without such a list', () =>
    away(async (folder, hub) => {
      const base = folderWith(join(folder, 'base'), ['model_index.json']);
      const promptsFrom = join(folder, 'other.ipynb');
      writeFileSync(promptsFrom, '{"cells": []}');
      const own = { base, dpoUnet: base, scorer: base };
      await assert.rejects(
        quickSetting('sd15', { ...hub, own, promptsFrom }),
        /no list of strings/,
      );
    }));
});
