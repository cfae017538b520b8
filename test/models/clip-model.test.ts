import assert from 'node:assert/strict';
import { tensor, tidy, zeros } from '../../src/engine';
import {
  type ClipModel,
  type ClipModelParams,
  clipModelConfig,
  clipModelWeights,
  clipVisionTower,
  imageEmbeds,
  logitScale,
  textEmbeds,
} from '../../src/models';
import { assertNoLeak } from '../support/assert';
import {
  assertParity,
  BF16_SLACK,
  bf16ErrorRatio,
  fixtureModel,
  type Inputs,
  kernelModes,
  modelCase,
  variants,
} from '../support/model-fixture';

const CASES = ['clip-quick', 'clip-gelu', 'clip-deep'];

function fixtureClip(name: string) {
  const config = clipModelConfig(modelCase(name).config);
  return fixtureModel<typeof config, ClipModelParams>(config, clipModelWeights(config));
}

const tokens = (ids: readonly (readonly number[])[]) =>
  tensor(ids.flat(), [ids.length, ids[0]?.length ?? 0], 'int32');

/** The fixture's forward pass as a function of its inputs. */
const forwardOf =
  (name: string, model: ClipModel) =>
  ({ pixelValues }: Inputs) =>
    tidy(() => {
      assert.ok(pixelValues);
      const images = imageEmbeds(model, pixelValues);
      const texts = textEmbeds(model, tokens(modelCase(name).ids));
      const cosines = images.normalised.matmul(texts.normalised, { transposeB: true });
      const vision = clipVisionTower(model.p.vision_model, pixelValues, model.config.vision);
      return {
        logitsPerImage: cosines.mul(logitScale(model)),
        imageEmbeds: images.normalised,
        textEmbeds: texts.normalised,
        imageEmbedsRaw: images.raw,
        textEmbedsRaw: texts.raw,
        visionLast: vision.lastHiddenState,
      };
    });

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
    for (const [label, variant] of variants) {
      it(`have the values and gradients of transformers on ${name} (${label})`, () => {
        const model = fixtureClip(name);
        assertParity(name, model, forwardOf(name, model), variant);
        model.parameters.dispose();
      });
    }
  }

  for (const mode of kernelModes)
    it(`are in bf16 as near to float32 as torch.autocast (${mode} kernels)`, () => {
      const ratio = bf16ErrorRatio(mode, CASES, (name) => {
        const model = fixtureClip(name);
        return { model, forward: forwardOf(name, model) };
      });
      assert.ok(ratio <= BF16_SLACK[mode], `${ratio} times its error`);
    });

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
