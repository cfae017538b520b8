import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import { loadImageReward } from '../../src/hub/image-reward';
import { blipTextConfig, MED_CONFIG } from '../../src/models/blip-config';
import { AESTHETIC_HEAD, IMAGE_REWARD_FOLDER } from '../support/scoring';
import { inTemporaryFolder } from '../support/temporary';

const FILE = 'ImageReward.pt';

describe('loadImageReward', () => {
  it('tells the vision transformer by its shapes, and leaves out what no score needs', async () => {
    const before = tensorCount();
    const { vision, text, parameters } = await loadImageReward(join(IMAGE_REWARD_FOLDER, FILE));
    const tower = { hiddenSize: 16, intermediateSize: 24, layers: 2, heads: 1 };
    assert.deepEqual(vision, { ...tower, imageChannels: 3, imageSize: 16, patchSize: 8 });
    assert.equal(text.layers, 2);
    assert.ok(!parameters.names.some((name) => /_proj|position_ids/.test(name)));
    parameters.dispose();
    assert.equal(tensorCount(), before);
  });

  it('refuses by its name a weight of another shape, and a file of another model', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, FILE);
      copyFileSync(join(IMAGE_REWARD_FOLDER, FILE), path); // without its config: the published one's shapes
      await assert.rejects(
        loadImageReward(path),
        /"blip\.text_encoder\.embeddings\.word_embeddings\.weight" has the shape \[\d+,12\]; the model expects \[30524,768\]/,
      );
      await assert.rejects(
        loadImageReward(AESTHETIC_HEAD),
        /weight "blip\.visual_encoder\.cls_token" is missing/,
      );
      writeFileSync(join(folder, 'med_config.json'), JSON.stringify({ hidden_act: 'relu' }));
      await assert.rejects(loadImageReward(path), /med_config\.json: .*"hidden_act" is "relu"/);
    }));
});

describe('blipTextConfig', () => {
  it("is BERT's base model where nothing else is said", () => {
    const { layers, heads, hiddenSize, layerNormEps } = blipTextConfig(MED_CONFIG);
    assert.deepEqual([layers, heads, hiddenSize, layerNormEps], [12, 12, 768, 1e-12]);
  });

  it('refuses heads that do not divide, and fields that nobody knows', () => {
    assert.throws(() => blipTextConfig({ num_attention_heads: 7 }), /768 does not divide into 7/);
    assert.throws(() => blipTextConfig({ rotary: true }), /field "rotary" \(true\) is unknown/);
  });
});
