import assert from 'node:assert/strict';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import {
  disposePipeline,
  LORA_FILE,
  loadLora,
  loadPipeline,
  openSafetensors,
  type Pipeline,
  saveLora,
  type TensorToWrite,
  writeSafetensors,
} from '../../src/hub';
import { LORA_METADATA } from '../../src/hub/lora-metadata';
import { fixturePath } from '../support/fixtures';
import { caseAdapter, fillB, loraCases, loraTensor } from '../support/lora';
import { inTemporaryFolder } from '../support/temporary';

const { attention } = loraCases;
const DIFFUSERS = fixturePath('lora');
const LAYER = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1';

type Metadata = Record<string, unknown>;

/** The file of diffusers again, changed. */
async function rewrite(
  folder: string,
  change: (tensors: TensorToWrite[], metadata: Metadata) => TensorToWrite[],
): Promise<string> {
  const file = await openSafetensors(join(DIFFUSERS, LORA_FILE));
  const tensors = await Promise.all(
    [...file.entries.values()].map(async ({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      data: await file.read(name),
    })),
  );
  const metadata = JSON.parse(file.metadata.get(LORA_METADATA) ?? '') as Metadata;
  await file.close();
  const changed = change(tensors, metadata);
  const kept = Object.keys(metadata).length > 0;
  const path = join(folder, 'changed.safetensors');
  await writeSafetensors(path, changed, {
    metadata: { format: 'pt', ...(kept ? { [LORA_METADATA]: JSON.stringify(metadata) } : {}) },
  });
  return path;
}

const forget = (metadata: Metadata) => {
  for (const key of Object.keys(metadata)) delete metadata[key];
};
const renamed = (tensors: TensorToWrite[], rename: (name: string) => string) =>
  tensors.map((t) => ({ ...t, name: rename(t.name) }));

describe('an adapter’s file', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });
  after(() => disposePipeline(pipeline));

  async function assertTrained(path: string, alpha: number): Promise<readonly string[]> {
    const { model, adapter, config } = await loadLora(path, pipeline.unet);
    assert.deepEqual(adapter.names, attention.names);
    for (const name of adapter.names)
      assert.deepEqual(adapter.read(name), loraTensor('attention', `trained.${name}`), name);
    assert.deepEqual([config.rank, config.alpha], [4, alpha]);
    const { attn1 } = model.p.mid_block.attentions[0].transformer_blocks[0] ?? {};
    assert.equal(attn1?.to_q.lora?.scale, alpha / 4);
    adapter.dispose();
    return config.targetModules;
  }

  it('is read as diffusers writes it, alpha included', async () => {
    const targets = await assertTrained(DIFFUSERS, 8);
    assert.deepEqual([...targets].sort(), [...attention.targetModules].sort());
    await assertTrained(join(DIFFUSERS, LORA_FILE), 8);
  });

  it('is read without metadata as diffusers does: alpha is the rank, layers are those in it', () =>
    inTemporaryFolder(async (folder) => {
      const path = await rewrite(folder, (tensors, metadata) => {
        forget(metadata);
        return tensors;
      });
      const targets = await assertTrained(path, 4);
      assert.equal(targets.length, attention.names.length / 2);
    }));

  it('is read under the names of diffusers’ scripts and of its older versions', () =>
    inTemporaryFolder(async (folder) => {
      const scripts = (name: string) =>
        name.replace('.lora_A.', '.lora.down.').replace('.lora_B.', '.lora.up.');
      const old = (name: string) =>
        scripts(name)
          .replace(/\.to_out\.0\.lora\./, '.processor.to_out_lora.')
          .replace(/\.(to_[kqv])\.lora\./, '.processor.$1_lora.');
      for (const rename of [scripts, old]) {
        const path = await rewrite(folder, (tensors, metadata) => {
          forget(metadata);
          return renamed(tensors, rename);
        });
        await assertTrained(path, 4);
      }
      assert.equal(
        old(`${LAYER}.to_out.0.lora_A.weight`),
        `${LAYER}.processor.to_out_lora.down.weight`,
      );
    }));

  for (const name of ['attention', 'wide'] as const)
    it(`keeps every bit, under diffusers’ names (${name})`, () =>
      inTemporaryFolder(async (folder) => {
        const lora = caseAdapter(pipeline.unet, loraCases[name]);
        fillB(lora);
        await saveLora(lora, folder);
        const again = await loadLora(folder, pipeline.unet);
        assert.deepEqual(again.config, lora.config);
        for (const weight of lora.adapter.names)
          assert.deepEqual(again.adapter.read(weight), lora.adapter.read(weight), weight);
        const file = await openSafetensors(join(folder, LORA_FILE));
        assert.deepEqual(
          new Set(file.entries.keys()),
          new Set(loraCases[name].names.map((weight) => `unet.${weight}`)),
        );
        const metadata = JSON.parse(file.metadata.get(LORA_METADATA) ?? '') as Metadata;
        const { rank, alpha, targetModules } = loraCases[name];
        assert.deepEqual(
          ['unet.r', 'unet.lora_alpha', 'unet.target_modules'].map((key) => metadata[key]),
          [rank, alpha, targetModules],
        );
        await file.close();
        for (const owned of [lora.adapter, again.adapter]) owned.dispose();
      }));

  /** Expects a changed file to be refused, with nothing left in memory. */
  function refuses(fault: string, reason: RegExp, change: Parameters<typeof rewrite>[1]) {
    it(`is refused: ${fault}`, () =>
      inTemporaryFolder(async (folder) => {
        const path = await rewrite(folder, change);
        const tensors = tensorCount();
        await assert.rejects(loadLora(path, pipeline.unet), reason);
        assert.equal(tensorCount(), tensors, 'weights left in memory');
      }));
  }

  const inMetadata = (name: string, value: unknown) => (t: TensorToWrite[], metadata: Metadata) => {
    metadata[`unet.${name}`] = value;
    return t;
  };
  const spoilt = (change: (t: TensorToWrite) => TensorToWrite[]) => (tensors: TensorToWrite[]) =>
    tensors.flatMap((t) => (t.name === `${LAYER}.to_q.lora_B.weight` ? change(t) : [t]));

  refuses(
    'a weight is missing',
    /changed\.safetensors: weight "mid_block.*attn1\.to_q\.lora_B\.weight" is missing.*\[24,4\]/,
    spoilt(() => []),
  );
  refuses(
    'one too many, here of a text encoder',
    /weight "text_encoder\.x\.lora_A\.weight" is not part of the model/,
    spoilt((t) => [t, { ...t, name: 'text_encoder.x.lora_A.weight' }]),
  );
  refuses(
    'another shape',
    /"unet\.mid_block.*to_q\.lora_B\.weight" has the shape \[4,24\]; the model expects \[24,4\]/,
    spoilt((t) => [{ ...t, shape: [4, 24] }]),
  );
  refuses(
    'a layer that the denoiser has not',
    /no layer "down_blocks\.9\.attentions\.0\.transformer_blocks\.0\.attn1\.to_k"/,
    (tensors, metadata) => {
      forget(metadata);
      return renamed(tensors, (name) => name.replace('mid_block.', 'down_blocks.9.'));
    },
  );
  refuses('nothing for a denoiser', /no adapter of a denoiser/, (tensors) =>
    renamed(tensors, (name) => name.replace('unet.', 'text_encoder.')),
  );
  refuses('another kind', /has use_dora true; only false/, inMetadata('use_dora', true));
  refuses('ranks that vary', /rank_pattern \{"a":8\}/, inMetadata('rank_pattern', { a: 8 }));
  refuses('a rank that is not the weights’', /has r 8, but .* the rank 4/, inMetadata('r', 8));
  refuses('an alpha of none', /has lora_alpha 0; .* positive/, inMetadata('lora_alpha', 0));

  it('is refused on weights that are being trained', async () => {
    const parameters = pipeline.unet.parameters.clone().trainable();
    await assert.rejects(loadLora(DIFFUSERS, { ...pipeline.unet, parameters }), /is frozen/);
    parameters.dispose();
  });
});
