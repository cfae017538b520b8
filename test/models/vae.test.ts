import assert from 'node:assert/strict';
import { ones, tensor, tidy, zeros } from '../../src/engine';
import {
  decode,
  encode,
  latentsFromPixels,
  pixelsFromLatents,
  samplePosterior,
  type Vae,
  type VaeParams,
  vaeConfig,
  vaeWeights,
} from '../../src/models';
import { assertClose, assertNoLeak } from '../support/assert';
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

const CASES = ['vae-sd1', 'vae-plain', 'vae-single', 'vae-faint'];

function fixtureVae(name: string) {
  const { config: json, gain } = modelCase(name);
  const config = vaeConfig(json);
  return fixtureModel<typeof config, VaeParams>(config, vaeWeights(config), { gain });
}

/** The fixture's forward pass as a function of its inputs. */
const forwardOf =
  (model: Vae) =>
  ({ pixelValues, latents }: Inputs) => {
    assert.ok(pixelValues && latents);
    return { ...encode(model, pixelValues), image: decode(model, latents) };
  };

describe('vaeWeights', () => {
  for (const name of CASES) {
    it(`names ${name} as diffusers does, in its order and shapes`, () => {
      const { config, weights } = modelCase(name);
      assert.deepEqual(vaeWeights(vaeConfig(config)), weights);
    });
  }
});

describe('encode and decode', () => {
  for (const name of CASES) {
    for (const [label, variant] of variants) {
      it(`have the values and gradients of diffusers on ${name} (${label})`, () => {
        const model = fixtureVae(name);
        assertParity(name, model, forwardOf(model), variant);
        model.parameters.dispose();
      });
    }
  }

  for (const mode of kernelModes)
    it(`are in bf16 as near to float32 as torch.autocast (${mode} kernels)`, () => {
      const ratio = bf16ErrorRatio(mode, CASES, (name) => {
        const model = fixtureVae(name);
        return { model, forward: forwardOf(model) };
      });
      assert.ok(ratio <= BF16_SLACK[mode], `${ratio} times its error`);
    });

  it('leave no tensor behind', () => {
    const model = fixtureVae('vae-sd1');
    assertNoLeak(() => {
      const pixels = zeros([1, 8, 8, 3]);
      const { mean, logvar } = encode(model, pixels);
      const image = decode(model, mean);
      for (const t of [pixels, mean, logvar, image]) t.dispose();
    });
    model.parameters.dispose();
  });

  it('limits the log variance to −30…20', () => {
    // All weights zero: what leaves the encoder is the bias of the last convolution.
    const model = fixtureVae('vae-sd1');
    for (const name of model.parameters.names) {
      model.parameters.write(name, model.parameters.read(name).fill(0));
    }
    const bias = [1, 2, 3, 4, 25, 20, -30, -31]; // four means, four log variances
    model.parameters.write('quant_conv.bias', Float32Array.from(bias));
    tidy(() => {
      const { mean, logvar } = encode(model, zeros([1, 4, 4, 3]));
      assertClose(mean, [1, 2, 3, 4]);
      assertClose(logvar, [20, 20, -30, -30]);
    });
    model.parameters.dispose();
  });
});

describe('samplePosterior', () => {
  it('is mean + exp(logvar / 2) · noise', () => {
    tidy(() => {
      const mean = tensor([1, 2], [1, 1, 1, 2]);
      const logvar = tensor([0, Math.log(9)], [1, 1, 1, 2]);
      // 1 + 1 · 2 = 3, 2 + 3 · (−1) = −1
      assertClose(samplePosterior({ mean, logvar }, tensor([2, -1], [1, 1, 1, 2])), [3, -1]);
    });
  });
});

describe('latentsFromPixels and pixelsFromLatents', () => {
  it('multiply and divide by the scaling factor', () => {
    const model = fixtureVae('vae-plain'); // scaling factor 0.5
    tidy(() => {
      const pixels = ones([1, 8, 8, 1]).mul(0.3);
      const noise = ones([1, 1, 1, 3]);
      const latents = samplePosterior(encode(model, pixels), noise);
      assertClose(latentsFromPixels(model, pixels, noise), latents.mul(0.5));
      assertClose(pixelsFromLatents(model, latents.mul(0.5)), decode(model, latents));
    });
    model.parameters.dispose();
  });
});
