import assert from 'node:assert/strict';
import { tensor, tidy, zeros } from '../../src/engine';
import {
  type ClipModelParams,
  clipModelConfig,
  clipModelWeights,
  clipVisionTower,
  imageEmbeds,
  logitScale,
  textEmbeds,
} from '../../src/models';
import { assertNoLeak } from '../support/assert';
import { assertParity, fixtureModel, kernelModes, modelCase } from '../support/model-fixture';

const CASES = ['clip-quick', 'clip-gelu', 'clip-deep'];

function fixtureClip(name: string) {
  const config = clipModelConfig(modelCase(name).config);
  return fixtureModel<typeof config, ClipModelParams>(config, clipModelWeights(config));
}

const tokens = (ids: readonly (readonly number[])[]) =>
  tensor(ids.flat(), [ids.length, ids[0]?.length ?? 0], 'int32');

describe('clipModelWeights', () => {
  for (const name of CASES) {
    it(`names ${name} as transformers does, in its order and shapes`, () => {
      const { config, weights } = modelCase(name);
      assert.deepEqual(clipModelWeights(clipModelConfig(config)), weights);
    });
  }
});

describe('imageEmbeds and textEmbeds', () => {
  for (const name of CASES) {
    for (const mode of kernelModes) {
      it(`have the values and gradients of transformers on ${name} (${mode} kernels)`, () => {
        const model = fixtureClip(name);
        const { config, p } = model;
        const inputIds = tokens(modelCase(name).ids);
        assertParity(
          name,
          model,
          ({ pixelValues }) => {
            assert.ok(pixelValues);
            const images = imageEmbeds(model, pixelValues);
            const texts = textEmbeds(model, inputIds);
            const cosines = images.normalised.matmul(texts.normalised, { transposeB: true });
            const vision = clipVisionTower(p.vision_model, pixelValues, config.vision);
            return {
              logitsPerImage: cosines.mul(logitScale(model)),
              imageEmbeds: images.normalised,
              textEmbeds: texts.normalised,
              imageEmbedsRaw: images.raw,
              textEmbedsRaw: texts.raw,
              visionLast: vision.lastHiddenState,
            };
          },
          mode,
        );
        inputIds.dispose();
        model.parameters.dispose();
      });
    }
  }

  it('leave no tensor behind', () => {
    const model = fixtureClip('clip-quick');
    assertNoLeak(() => {
      const [pixels, ids] = [zeros([1, 8, 8, 3]), tokens([[0, 19]])];
      const [images, texts] = [imageEmbeds(model, pixels), textEmbeds(model, ids)];
      for (const t of [pixels, ids, images.raw, images.normalised]) t.dispose();
      for (const t of [texts.raw, texts.normalised]) t.dispose();
    });
    model.parameters.dispose();
  });

  it('refuse a picture of another size', () => {
    const model = fixtureClip('clip-quick');
    tidy(() => {
      assert.throws(() => imageEmbeds(model, zeros([1, 8, 9, 3])), /8×9.*8×8/);
    });
    model.parameters.dispose();
  });
});
