import assert from 'node:assert/strict';
import { tensor, tidy, valueAndGrad } from '../../src/engine';
import { loadModel } from '../../src/hub/model-folder';
import { CLIP_TEXT, CLIP_TEXT_PROJECTED, UNET } from '../../src/hub/model-kinds';
import {
  AESTHETIC_SCORE,
  type ClipText,
  type ClipTextConfig,
  type ClipTextParams,
  type ConditioningRule,
  loadTokenizer,
  promptStates,
  STABLE_DIFFUSION,
  timeIds,
  type UNet,
  type UNetConfig,
  type UNetParams,
  unet,
} from '../../src/models';
import { assertClose, assertNoLeak } from '../support/assert';
import { FAMILIES, FAMILY_NAMES, familyPath } from '../support/families';
import { fixtureTensor, tensorFixture } from '../support/fixtures';
import {
  assertGradients,
  fixtureInput,
  mapFromTorch,
  numbers,
  weightFromTorch,
} from '../support/model-fixture';

type Family = keyof typeof FAMILIES;

const loadUNet = (name: Family): Promise<UNet> =>
  loadModel<UNetConfig, UNetParams>(`${familyPath(name)}/unet`, UNET);

/** The forward pass of make_families.py: the same inputs from the same names. */
function forward(name: Family, model: UNet) {
  const { crossAttentionDim: E = 0 } = model.config.levels[0] ?? {};
  const { addition } = model.config;
  const { numbers: n } = FAMILIES[name];
  const sizes = Array.from(numbers('sizes', 2 * n), (x) => 512 + 512 * x);
  const added = addition && {
    textEmbeds: fixtureInput('pooled', [2, addition.inputDim - n * addition.timeDim]),
    timeIds: [sizes.slice(0, n), sizes.slice(n)],
  };
  const encoderHiddenStates = fixtureInput('states', [2, 5, E]);
  return unet(model, fixtureInput('sample', [2, 4, 6, 8]), [17, 981], {
    encoderHiddenStates,
    added,
  });
}

describe('unet of every family', () => {
  const expected = tensorFixture('families', 'unets.safetensors');

  for (const name of FAMILY_NAMES)
    it(`has diffusers' values, and its gradient of every weight: ${name}`, async () => {
      const model = await loadUNet(name);
      const { parameters } = model;
      parameters.trainable();
      const { shape, data } = fixtureTensor(expected, `${name}.out`);
      tidy(() => {
        const run = () => {
          const out = forward(name, model);
          return { loss: out.mul(fixtureInput('probe', shape)).sum(), out };
        };
        const { value } = valueAndGrad(run, []);
        assertClose(value.out, mapFromTorch(data, shape).data, { rtol: 1e-4, atol: 0 });
      });
      const [scale = 1] = fixtureTensor(expected, `${name}.scale`).data;
      const gradients = parameters.names.map((key) => {
        const torch = fixtureTensor(expected, `${name}.grad.${key}`);
        const { data: theirs } = weightFromTorch(torch.data, torch.shape);
        return [key, parameters.readGrad(key), theirs.map((x) => x / scale)] as const;
      });
      assertGradients(name, gradients);
      const stored = [...expected.keys()].filter((key) => key.startsWith(`${name}.grad.`));
      assert.equal(gradients.length, stored.length);
      parameters.dispose();
    });
});

const SDXL: ConditioningRule = { states: 'penultimate', added: 'sizes', noPrompt: 'zeros' };
const REFINER: ConditioningRule = { ...SDXL, added: 'sizes and score' };
const RULES = { 0: STABLE_DIFFUSION, 6: SDXL, 5: REFINER } as const;

/** The text side of a folder, as one reads it by hand. */
async function textSide(name: Family) {
  const conditioning = RULES[FAMILIES[name].numbers];
  const suffixes = { none: [''], sizes: ['', '_2'], 'sizes and score': ['_2'] };
  const parts = suffixes[conditioning.added].map(async (suffix) => ({
    tokenizer: await loadTokenizer(`${familyPath(name)}/tokenizer${suffix}`),
    encoder: (await loadModel<ClipTextConfig, ClipTextParams>(
      `${familyPath(name)}/text_encoder${suffix}`,
      suffix === '' ? CLIP_TEXT : CLIP_TEXT_PROJECTED,
    )) as ClipText,
  }));
  const [first, second] = await Promise.all(parts);
  assert.ok(first);
  const encoders = {
    textEncoder: first.encoder,
    ...(second ? { textEncoder2: second.encoder } : {}),
    conditioning,
  };
  const tokenizers = second ? [first.tokenizer, second.tokenizer] : [first.tokenizer];
  const dispose = () => {
    for (const model of [first.encoder, second?.encoder]) model?.parameters.dispose();
  };
  const idsOf = (texts: readonly string[]) =>
    tokenizers.map((tokenizer) => {
      const { inputIds, length } = tokenizer.encode(texts);
      return tensor(inputIds, [texts.length, length], 'int32');
    });
  return { encoders, idsOf, dispose };
}

describe('promptStates', () => {
  const expected = tensorFixture('families', 'prompts.safetensors');
  const PROMPTS = ['the red cat in a house !', ''];

  for (const name of FAMILY_NAMES)
    it(`reads texts as diffusers' pipeline does: ${name}`, async () => {
      const { encoders, idsOf, dispose } = await textSide(name);
      assertNoLeak(() =>
        tidy(() => {
          const { encoderHiddenStates, textEmbeds } = promptStates(encoders, idsOf(PROMPTS));
          const states = fixtureTensor(expected, `${name}.states`);
          assert.deepEqual(encoderHiddenStates.shape, states.shape);
          assertClose(encoderHiddenStates, states.data, { rtol: 1e-5, label: 'states' });
          assert.equal(textEmbeds !== undefined, expected.has(`${name}.pooled`));
          if (!textEmbeds) return;
          const pooled = fixtureTensor(expected, `${name}.pooled`);
          assert.deepEqual(textEmbeds.shape, pooled.shape);
          assertClose(textEmbeds, pooled.data, { rtol: 1e-5, label: 'pooled' });
        }),
      );
      dispose();
    });

  it('asks for a projection, and for ids of every encoder', async () => {
    const xl = await textSide('sdxl');
    const { textEncoder } = xl.encoders;
    tidy(() => {
      const [ids] = xl.idsOf(PROMPTS);
      assert.ok(ids);
      assert.throws(() => promptStates(xl.encoders, [ids]), /2 text encoders.*tokenized for 1/);
      const one = { textEncoder, conditioning: REFINER };
      assert.throws(() => promptStates(one, [ids]), /last text encoder has no projection/);
    });
    xl.dispose();
  });
});

describe('timeIds', () => {
  it('lists sizes in the order of training, height first', () => {
    const told = {
      originalSize: [1, 2],
      cropsCoordsTopLeft: [3, 4],
      targetSize: [5, 6],
      aestheticScore: AESTHETIC_SCORE,
    } as const;
    assert.deepEqual(timeIds(SDXL, told), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(timeIds(REFINER, told), [1, 2, 3, 4, 6]);
    assert.deepEqual(timeIds(STABLE_DIFFUSION, told), []);
  });
});
