import assert from 'node:assert/strict';
import { type UNetParams, unet, unetConfig, unetWeights } from '../../src/models';
import { assertParity, fixtureModel, kernelModes, modelCase } from '../support/model-fixture';

const CASES = ['unet-sd1', 'unet-lists', 'unet-sdxl', 'unet-single'];

describe('unetWeights', () => {
  for (const name of CASES) {
    it(`names ${name} as diffusers does, in its order and shapes`, () => {
      const { config, weights } = modelCase(name);
      assert.deepEqual(unetWeights(unetConfig(config)), weights);
    });
  }
});

describe('unet', () => {
  for (const name of CASES) {
    for (const mode of kernelModes) {
      it(`has the values and gradients of diffusers on ${name} (${mode} kernels)`, () => {
        const { config, timesteps, timeIds } = modelCase(name);
        const checked = unetConfig(config);
        const model = fixtureModel<typeof checked, UNetParams>(checked, unetWeights(checked));
        assertParity(
          name,
          model,
          ({ sample, encoderHiddenStates, textEmbeds }) => {
            assert.ok(sample && encoderHiddenStates);
            const added = textEmbeds && { textEmbeds, timeIds };
            return { sample: unet(model, sample, timesteps, { encoderHiddenStates, added }) };
          },
          mode,
        );
        model.parameters.dispose();
      });
    }
  }
});
