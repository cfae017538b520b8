import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import {
  CheckpointError,
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from '../../src/hub';
import { loadOpenClip } from '../../src/hub/open-clip';
import { openClipConfig, VIT_H_14 } from '../../src/hub/open-clip-config';
import { clipModelConfig } from '../../src/models';
import { HPS_FILE, OPEN_CLIP_FOLDER } from '../support/scoring';
import { inTemporaryFolder } from '../support/temporary';

const WEIGHTS = 'open_clip_model.safetensors';
const CONFIG = 'open_clip_config.json';

/** The fixture's tensors. */
async function tensors(): Promise<TensorToWrite[]> {
  const file = await openSafetensors(join(OPEN_CLIP_FOLDER, WEIGHTS));
  const all: TensorToWrite[] = [];
  for (const { name, dtype, shape } of file.entries.values())
    all.push({ name, dtype, shape, data: await file.read(name) });
  await file.close();
  return all;
}

/** Loads a copy of the folder with other weights. */
const loadChanged = (change: (all: TensorToWrite[]) => TensorToWrite[]) =>
  inTemporaryFolder(async (folder) => {
    copyFileSync(join(OPEN_CLIP_FOLDER, CONFIG), join(folder, CONFIG));
    await writeSafetensors(join(folder, WEIGHTS), change(await tensors()), { checksum: 'sha256' });
    const { model } = await loadOpenClip(join(folder, WEIGHTS), VIT_H_14);
    model.parameters.dispose();
  });

describe('loadOpenClip', () => {
  it("loads open_clip's own folder, and a checkpoint of training with `module.` before every name", async () => {
    const before = tensorCount();
    for (const [path, activation] of [
      [join(OPEN_CLIP_FOLDER, WEIGHTS), 'quick_gelu'],
      [HPS_FILE, 'gelu'],
    ] as const) {
      const { model, contextLength } = await loadOpenClip(path, VIT_H_14);
      assert.equal(model.config.vision.activation, activation);
      assert.equal(model.config.text.activation, activation);
      assert.equal(contextLength, 24);
      model.parameters.dispose();
    }
    assert.equal(tensorCount(), before);
  });

  it('refuses by its name a weight that is missing, in excess, or of another shape', async () => {
    await loadChanged((all) => all);
    await assert.rejects(
      loadChanged((all) => all.filter(({ name }) => name !== 'visual.ln_pre.weight')),
      /weight "visual\.ln_pre\.weight" is missing; the model expects \[24\]/,
    );
    const extra = {
      name: 'logit_bias',
      dtype: 'F32',
      shape: [1],
      data: new Float32Array(1),
    } as const;
    await assert.rejects(
      loadChanged((all) => [...all, extra]),
      /weight "logit_bias" is not part of the model/,
    );
    await assert.rejects(
      loadChanged((all) =>
        all.map((tensor) =>
          tensor.name === 'visual.proj' ? { ...tensor, shape: [10, 24] } : tensor,
        ),
      ),
      /weight "visual\.proj" has the shape \[10,24\]; the model expects \[24,10\]/,
    );
  });

  it('refuses a checkpoint of another model than the one it is taken for', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'HPS.pt');
      copyFileSync(HPS_FILE, path); // without its configuration it must be a ViT-H-14
      await assert.rejects(
        loadOpenClip(path, VIT_H_14),
        /HPS\.pt: weight "module\.logit_scale"|HPS\.pt: .*the model expects \[1024/,
      );
    }));
});

describe('openClipConfig', () => {
  const refused = (model: object, expected: RegExp) =>
    assert.throws(
      () => openClipConfig('a.json', { model_cfg: model }),
      (error: Error) => error instanceof CheckpointError && expected.test(error.message),
    );

  it('tells ViT-H-14 as transformers does: 16 heads, GELU, pooled at the largest id', () => {
    const { text, vision, projectionDim } = clipModelConfig(openClipConfig('', VIT_H_14).json);
    assert.equal(projectionDim, 1024);
    const tower = { activation: 'gelu', heads: 16, layerNormEps: 1e-5 };
    const shape = ({ activation, heads, layerNormEps }: typeof text | typeof vision) => ({
      ...{ activation, heads, layerNormEps },
    });
    assert.deepEqual([shape(text), shape(vision)], [tower, tower]);
    assert.deepEqual([text.layers, text.intermediateSize, text.eosTokenId], [24, 4096, 2]);
    assert.deepEqual([vision.layers, vision.intermediateSize, vision.patchSize], [32, 5120, 14]);
  });

  it('refuses networks of other parts, and fields that nobody knows', () => {
    refused({ vision_cfg: { timm_model_name: 'vit' } }, /a\.json: vision_cfg: "timm_model_name"/);
    refused({ text_cfg: { hf_model_name: 'roberta' } }, /text_cfg: "hf_model_name" is "roberta"/);
    refused({ custom_text: true }, /model_cfg: "custom_text" is true/);
    refused({ vision_cfg: { window: 3 } }, /field "window" \(3\) is unknown/);
    refused({ vision_cfg: { image_size: [2, 3] } }, /"image_size" must be a positive whole/);
  });

  it('refuses a file without a model, and a mean that is none', () => {
    assert.throws(() => openClipConfig('a.json', {}), /a\.json: it needs a "model_cfg"/);
    const json = { model_cfg: {}, preprocess_cfg: { mean: [0.5] } };
    assert.throws(
      () => openClipConfig('a.json', json),
      /"mean" must be three numbers; got \[0\.5\]/,
    );
  });
});
