import assert from 'node:assert/strict';
import { TorchGenerator } from '../../../src/random';
import { captionOf } from '../../../src/toyworld/captions';
import { drawCorpus } from '../../../src/toyworld/corpus';
import { newClipModel } from '../../../src/toyworld/making/new-model';
import {
  labelAgreement,
  type ScoredPair,
  scoreDifferences,
  trainContrast,
  trainPreference,
} from '../../../src/toyworld/making/scorer';
import { scorerJson } from '../../../src/toyworld/model-configs';
import { render } from '../../../src/toyworld/render';
import { allMeanings, cleanScene } from '../../../src/toyworld/scenes';
import { worldTokenizer } from '../../../src/toyworld/tokenizer';

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

describe('trainContrast', () => {
  it('lowers the loss of pictures among captions', async () => {
    const scorer = newScorer();
    const corpus = drawCorpus(8, new TorchGenerator(2));
    const losses: number[] = [];
    for await (const { figures } of trainContrast(scorer, tokenizer, corpus, {
      ...plan,
      steps: 12,
    }))
      losses.push(figures.loss ?? Number.NaN);
    assert.ok(Math.abs((losses[0] ?? 0) - Math.log(8)) < 0.6); // ln 8: knows nothing yet
    assert.ok((losses[11] ?? 9) < (losses[0] ?? 0) - 0.05, losses.join(' '));
    scorer.parameters.dispose();
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
