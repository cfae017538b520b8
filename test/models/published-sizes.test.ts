import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { WeightShape } from '../../src/engine';
import {
  type ConfigJson,
  clipTextConfig,
  clipTextWeights,
  projectedClipTextConfig,
  unetConfig,
  unetWeights,
  vaeConfig,
  vaeWeights,
} from '../../src/models';
import { familyJson } from '../support/families';

interface Published {
  readonly class: string;
  readonly parameters: number;
  /** Of the sorted lines "name [shape]", as the reference libraries have them. */
  readonly sha256: string;
  readonly config: ConfigJson;
}

const { models } = familyJson<{ models: Record<string, Published> }>('published.json');

/** What the published files hold. */
const PARAMETERS: Readonly<Record<string, number>> = {
  'SD 1.5 UNet': 859_520_964,
  'SD 2.1 UNet': 865_910_724,
  'SDXL UNet': 2_567_463_684,
  'SDXL refiner UNet': 2_259_526_660,
  'SD 1.5 VAE': 83_653_863,
  'SDXL VAE': 83_653_863,
  'CLIP ViT-L text': 123_060_480,
  'OpenCLIP ViT-H text': 340_387_840,
  'OpenCLIP ViT-bigG text': 694_659_840,
};

const WEIGHTS: Readonly<Record<string, (json: ConfigJson) => WeightShape[]>> = {
  UNet2DConditionModel: (json) => unetWeights(unetConfig(json)),
  AutoencoderKL: (json) => vaeWeights(vaeConfig(json)),
  CLIPTextModel: (json) => clipTextWeights(clipTextConfig(json)),
  CLIPTextModelWithProjection: (json) => clipTextWeights(projectedClipTextConfig(json)),
};

const count = (weights: readonly WeightShape[]) =>
  weights.reduce((sum, [, shape]) => sum + shape.reduce((n, d) => n * d, 1), 0);

describe('the published models', () => {
  it('are all looked at', () => {
    assert.deepEqual(Object.keys(models), Object.keys(PARAMETERS));
  });

  for (const [name, published] of Object.entries(models)) {
    it(`have these numbers, names and shapes: ${name}`, () => {
      const weights = WEIGHTS[published.class]?.(published.config) ?? [];
      assert.equal(count(weights), PARAMETERS[name]);
      assert.equal(published.parameters, PARAMETERS[name]);
      const lines = weights.map(([key, shape]) => `${key} [${shape.join(', ')}]\n`).sort();
      assert.equal(createHash('sha256').update(lines.join('')).digest('hex'), published.sha256);
    });
  }
});
