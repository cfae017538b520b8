import assert from 'node:assert/strict';
import {
  accumulateGrads,
  noGrad,
  profile,
  type Tensor,
  tensor,
  tidy,
  withKernels,
  zeros,
} from '../../src/engine';
import {
  type UNet,
  type UNetOptions,
  type UNetParams,
  unet,
  unetConfig,
  unetWeights,
} from '../../src/models';
import { assertClose, assertNoLeak } from '../support/assert';
import {
  assertParity,
  BF16_SLACK,
  bf16ErrorRatio,
  fixtureInput,
  fixtureModel,
  type Inputs,
  kernelModes,
  modelCase,
  variants,
} from '../support/model-fixture';

const CASES = ['unet-sd1', 'unet-lists', 'unet-sdxl', 'unet-single', 'unet-faint'];

describe('unetWeights', () => {
  for (const name of CASES) {
    it(`names ${name} as diffusers does, in its order and shapes`, () => {
      const { config, weights } = modelCase(name);
      assert.deepEqual(unetWeights(unetConfig(config)), weights);
    });
  }
});

function fixtureUNet(name: string) {
  const { config: json, gain } = modelCase(name);
  const config = unetConfig(json);
  return fixtureModel<typeof config, UNetParams>(config, unetWeights(config), { gain });
}

/** The fixture's forward pass as a function of its inputs. */
function forwardOf(
  name: string,
  model: UNet,
  options: Pick<UNetOptions, 'recompute' | 'attentionSlice'> = {},
) {
  const { timesteps, timeIds } = modelCase(name);
  return ({ sample, encoderHiddenStates, textEmbeds }: Inputs) => {
    assert.ok(sample && encoderHiddenStates);
    const added = textEmbeds && { textEmbeds, timeIds };
    return { sample: unet(model, sample, timesteps, { encoderHiddenStates, added, ...options }) };
  };
}

describe('unet', () => {
  for (const name of CASES) {
    for (const [label, variant] of variants) {
      it(`has the values and gradients of diffusers on ${name} (${label})`, () => {
        const model = fixtureUNet(name);
        assertParity(name, model, forwardOf(name, model), variant);
        model.parameters.dispose();
      });
    }
  }

  for (const mode of kernelModes)
    it(`is in bf16 as near to float32 as torch.autocast (${mode} kernels)`, () => {
      const ratio = bf16ErrorRatio(mode, CASES, (name) => {
        const model = fixtureUNet(name);
        return { model, forward: forwardOf(name, model) };
      });
      assert.ok(ratio <= BF16_SLACK[mode], `${ratio} times its error`);
    });

  it('has the same gradients when blocks are computed again', () => {
    const model = fixtureUNet('unet-sdxl');
    for (const [, variant] of variants) {
      assertParity(
        'unet-sdxl',
        model,
        forwardOf('unet-sdxl', model, { recompute: 'blocks' }),
        variant,
      );
    }
    model.parameters.dispose();
  });

  it('computes each of its attentions in slices', () => {
    const name = 'unet-lists'; // 2 rows; levels of 1 and of 4 heads
    const model = fixtureUNet(name);
    const softmaxes = (attentionSlice: UNetOptions['attentionSlice']) => {
      const forward = forwardOf(name, model, { attentionSlice });
      assertParity(name, model, forward, { mode: 'plain', precision: 'no' });
      const { inputs } = modelCase(name);
      const given = Object.entries(inputs).map(([key, shape]) => [key, fixtureInput(key, shape)]);
      const run = () => noGrad(() => void forward(Object.fromEntries(given)));
      const { operations } = withKernels('plain', () => profile(run));
      for (const [, t] of given as [string, Tensor][]) t.dispose();
      return operations.find((one) => one.name === 'Softmax')?.calls ?? 0;
    };
    // 6 attentions of one head, 12 of four. auto: 6 · 2 + 12 · 4; max: 6 · 2 + 12 · 8
    assert.deepEqual([softmaxes(undefined), softmaxes('auto'), softmaxes('max')], [18, 60, 108]);
    model.parameters.dispose();
  });

  for (const recompute of ['none', 'blocks'] as const) {
    it(`leaves no tensor behind, forward or backward (recompute: ${recompute})`, () => {
      const model = fixtureUNet('unet-single');
      const { inputs } = modelCase('unet-single');
      const given = Object.fromEntries(
        Object.entries(inputs).map(([key, shape]) => [key, fixtureInput(key, shape)]),
      );
      const forward = forwardOf('unet-single', model, { recompute });
      assertNoLeak(() => {
        forward(given).sample.dispose();
        noGrad(() => forward(given)).sample.dispose();
        accumulateGrads(() => forward(given).sample.square().mean()).dispose();
      });
      for (const t of Object.values(given)) t.dispose();
      model.parameters.dispose();
    });
  }

  it('takes the time steps as numbers or as a tensor', () => {
    const model = fixtureUNet('unet-single');
    tidy(() => {
      const sample = zeros([2, 4, 4, 4]);
      const encoderHiddenStates = zeros([2, 3, 6]);
      const fromNumbers = unet(model, sample, [3, 600], { encoderHiddenStates });
      const fromTensor = unet(model, sample, tensor([3, 600], [2]), { encoderHiddenStates });
      assertClose(fromTensor, fromNumbers, { rtol: 0, atol: 0 });
    });
    model.parameters.dispose();
  });

  it('refuses another number of time steps than of samples', () => {
    const model = fixtureUNet('unet-single');
    tidy(() => {
      const options = { encoderHiddenStates: zeros([2, 3, 6]) };
      assert.throws(() => unet(model, zeros([2, 4, 4, 4]), [1], options), /1 time steps.*2,4,4,4/);
    });
    model.parameters.dispose();
  });

  it('asks for the conditioning that SDXL needs', () => {
    const model = fixtureUNet('unet-sdxl');
    tidy(() => {
      const options = { encoderHiddenStates: zeros([1, 2, 10]) };
      assert.throws(() => unet(model, zeros([1, 4, 4, 4]), [1], options), /added\.textEmbeds/);
    });
    model.parameters.dispose();
  });
});
