import assert from 'node:assert/strict';
import { tensor, tidy } from '../../src/engine';
import {
  type ClipText,
  type ClipTextParams,
  clipText,
  clipTextConfig,
  clipTextWeights,
  pooledPositions,
} from '../../src/models';
import { assertNoLeak } from '../support/assert';
import {
  assertParity,
  BF16_SLACK,
  bf16ErrorRatio,
  fixtureModel,
  kernelModes,
  modelCase,
  variants,
} from '../support/model-fixture';

const CASES = ['clip-text-sd1', 'clip-text-gelu', 'clip-text-wide'];

function fixtureText(name: string) {
  const config = clipTextConfig(modelCase(name).config);
  return fixtureModel<typeof config, ClipTextParams>(config, clipTextWeights(config));
}

const tokens = (ids: readonly (readonly number[])[]) =>
  tensor(ids.flat(), [ids.length, ids[0]?.length ?? 0], 'int32');

/** The fixture's forward pass. */
const forwardOf = (name: string, model: ClipText) => () =>
  tidy(() => {
    const { lastHiddenState, pooled, hiddenStates } = clipText(model, tokens(modelCase(name).ids));
    const states = hiddenStates.map((h, i) => [`hiddenStates.${i}`, h] as const);
    return { lastHiddenState, pooled, ...Object.fromEntries(states) };
  });

describe('clipTextWeights', () => {
  for (const name of CASES) {
    it(`names ${name} as transformers does, in its order and shapes`, () => {
      const { config, weights } = modelCase(name);
      assert.deepEqual(clipTextWeights(clipTextConfig(config)), weights);
    });
  }
});

describe('clipText', () => {
  for (const name of CASES) {
    for (const [label, variant] of variants) {
      it(`has the values and gradients of transformers on ${name} (${label})`, () => {
        const model = fixtureText(name);
        assertParity(name, model, forwardOf(name, model), variant);
        model.parameters.dispose();
      });
    }
  }

  for (const mode of kernelModes)
    it(`is in bf16 as near to float32 as torch.autocast (${mode} kernels)`, () => {
      const ratio = bf16ErrorRatio(mode, CASES, (name) => {
        const model = fixtureText(name);
        return { model, forward: forwardOf(name, model) };
      });
      assert.ok(ratio <= BF16_SLACK[mode], `${ratio} times its error`);
    });

  it('leaves no tensor behind', () => {
    const model = fixtureText('clip-text-sd1');
    assertNoLeak(() => {
      const inputIds = tokens([[0, 1, 39]]);
      const { lastHiddenState, pooled, hiddenStates } = clipText(model, inputIds);
      for (const t of [inputIds, lastHiddenState, pooled, ...hiddenStates]) t.dispose();
    });
    model.parameters.dispose();
  });

  it('refuses more tokens than it has positions', () => {
    const model = fixtureText('clip-text-wide');
    tidy(() => {
      assert.throws(() => clipText(model, tokens([[0, 1, 2, 3, 4, 5]])), /6 tokens.*5 positions/);
    });
    model.parameters.dispose();
  });
});

describe('pooledPositions', () => {
  it('finds the first end token, or position 0 where there is none', () => {
    tidy(() => {
      const ids = tokens([
        [0, 7, 9, 9],
        [0, 9, 7, 7],
        [0, 1, 2, 3],
      ]);
      assert.deepEqual(pooledPositions(ids, 7), [1, 2, 0]);
    });
  });

  it('finds the first largest id where the config says 2', () => {
    tidy(() => assert.deepEqual(pooledPositions(tokens([[0, 2, 9, 9]]), 2), [2]));
  });
});
