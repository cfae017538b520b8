import assert from 'node:assert/strict';
import { TorchGenerator } from '../../../src/random';
import { captionOf } from '../../../src/toyworld/captions';
import { newScorer } from '../../../src/toyworld/making/new-model';
import {
  labelAgreement,
  labelLoss,
  scoreDifferences,
  trainPreference,
} from '../../../src/toyworld/making/scorer';
import type { ScoredPair } from '../../../src/toyworld/making/scorer-batch';
import { render } from '../../../src/toyworld/render';
import { allMeanings, cleanScene } from '../../../src/toyworld/scenes';
import { worldTokenizer } from '../../../src/toyworld/tokenizer';
import { assertClose } from '../../support/assert';

const tokenizer = worldTokenizer();
const plan = { batchSize: 8, learningRate: 1e-3, seed: 1 };

/** Clean pictures preferred to faded ones; every other time the clean one is second. */
const pairs: ScoredPair[] = allMeanings()
  .filter((_, i) => i % 231 === 0)
  .map((meaning, i) => {
    const clean = render(cleanScene(meaning));
    const faded = render({ ...cleanScene(meaning), vividness: 0.1 });
    return {
      caption: captionOf(meaning),
      images: i % 2 === 0 ? [clean, faded] : [faded, clean],
      label0: i % 2 === 0 ? 1 : 0,
    };
  });

describe('labelAgreement', () => {
  it('counts decided pairs only', () => {
    const labels = [{ label0: 1 }, { label0: 0 }, { label0: 0.5 }, { label0: 1 }];
    assert.equal(labelAgreement([0.3, -2, 5, -1], labels), 2 / 3);
  });
});

describe('labelLoss', () => {
  it('is the cross entropy of labels and score differences, for large ones too', () => {
    const chance = (difference: number) => 1 / (1 + Math.exp(-difference));
    const labels = [{ label0: 1 }, { label0: 0 }, { label0: 0.5 }];
    const expected =
      -(Math.log(chance(0.7)) + Math.log(chance(0.2)) + Math.log(chance(2) * chance(-2)) / 2) / 3;
    assertClose(labelLoss([0.7, -0.2, 2], labels), expected, { rtol: 1e-12 });
    assert.equal(labelLoss([-800], [{ label0: 1 }]), 800);
  });
});

describe('trainPreference', () => {
  it('learns to prefer what the labels prefer', async () => {
    const scorer = newScorer(tokenizer.definition.vocab.size, new TorchGenerator(1));
    const options = { ...plan, steps: 25, learningRate: 2e-3 };
    for await (const _ of trainPreference(
      scorer,
      tokenizer,
      (draws) => draws.pick(pairs),
      options,
    ));
    const differences = scoreDifferences(scorer, tokenizer, pairs);
    assert.equal(differences.length, pairs.length);
    assert.ok(labelAgreement(differences, pairs) > 0.9);
    scorer.parameters.dispose();
  });
});
