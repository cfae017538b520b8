import assert from 'node:assert/strict';
import { TorchGenerator } from '../../../src/random';
import { captionOf } from '../../../src/toyworld/captions';
import { drawCorpus } from '../../../src/toyworld/corpus';
import { newClipModel } from '../../../src/toyworld/making/new-model';
import {
  labelAgreement,
  labelLoss,
  type ScoredPair,
  scoreDifferences,
  trainCare,
  trainContrast,
  trainPreference,
} from '../../../src/toyworld/making/scorer';
import { scorerJson } from '../../../src/toyworld/model-configs';
import { render } from '../../../src/toyworld/render';
import { allMeanings, cleanScene } from '../../../src/toyworld/scenes';
import { worldTokenizer } from '../../../src/toyworld/tokenizer';
import { assertClose } from '../../support/assert';

const tokenizer = worldTokenizer();
const size = tokenizer.definition.vocab.size;
const newScorer = () => newClipModel(scorerJson(size), new TorchGenerator(1));
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

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Means of the first and of the last six losses. */
async function lossesOf(steps: AsyncIterable<{ readonly figures: { readonly loss?: number } }>) {
  const losses: number[] = [];
  for await (const { figures } of steps) losses.push(figures.loss ?? Number.NaN);
  return [mean(losses.slice(0, 6)), mean(losses.slice(-6))] as const;
}

describe('trainContrast', () => {
  it('lowers the loss of pictures among captions', async () => {
    const scorer = newScorer();
    const corpus = drawCorpus(40, new TorchGenerator(2));
    const options = { ...plan, steps: 24, batchSize: 16 };
    const [first, last] = await lossesOf(trainContrast(scorer, tokenizer, corpus, options));
    assert.ok(Math.abs(first - Math.log(16)) < 0.4, `${first}`); // ln 16: knows nothing yet
    assert.ok(last < first - 0.05, `${first} ${last}`);
    scorer.parameters.dispose();
  });
});

describe('trainCare', () => {
  it('knows nothing at first and draws its pairs from its seed', async () => {
    const lossesWith = async (seed: number) => {
      const scorer = newScorer();
      const losses: number[] = [];
      const options = { ...plan, batchSize: 16, steps: 2, seed };
      for await (const { figures } of trainCare(scorer, tokenizer, options))
        losses.push(figures.loss ?? Number.NaN);
      scorer.parameters.dispose();
      return losses;
    };
    const [first, again, other] = [await lossesWith(1), await lossesWith(1), await lossesWith(2)];
    assert.ok(Math.abs((first[0] ?? 0) - Math.LN2) < 0.15, `${first}`);
    assert.deepEqual(again, first);
    assert.notEqual(other[0], first[0]);
  });
});

describe('trainPreference', () => {
  it('learns to prefer what the labels prefer', async () => {
    const scorer = newScorer();
    const options = { ...plan, steps: 25, learningRate: 2e-3 };
    for await (const _ of trainPreference(scorer, tokenizer, pairs, options));
    const differences = scoreDifferences(scorer, tokenizer, pairs);
    assert.equal(differences.length, pairs.length);
    assert.ok(labelAgreement(differences, pairs) > 0.9);
    scorer.parameters.dispose();
  });
});
