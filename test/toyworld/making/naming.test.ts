import assert from 'node:assert/strict';
import { tensor, tensorCount, valueAndGrad } from '../../../src/engine';
import { TorchGenerator } from '../../../src/random';
import { captionOf } from '../../../src/toyworld/captions';
import { drawCorpus } from '../../../src/toyworld/corpus';
import { perceive } from '../../../src/toyworld/judge';
import {
  namesMeant,
  namesSeen,
  namingLoss,
  newNames,
  trainNaming,
} from '../../../src/toyworld/making/naming';
import { newScorer } from '../../../src/toyworld/making/new-model';
import { render } from '../../../src/toyworld/render';
import {
  allMeanings,
  BACKGROUND_NAMES,
  COLOUR_NAMES,
  cleanScene,
  PLACE_NAMES,
  SIZE_NAMES,
} from '../../../src/toyworld/scenes';
import { SHAPES } from '../../../src/toyworld/shapes';
import { worldTokenizer } from '../../../src/toyworld/tokenizer';
import { assertClose } from '../../support/assert';

const counts = [SHAPES, COLOUR_NAMES, BACKGROUND_NAMES, SIZE_NAMES, PLACE_NAMES].map(
  (names) => names.length,
);
const total = counts.reduce((a, b) => a + b, 0);
const meanings = allMeanings().filter((_, i) => i % 97 === 0);

/** The place of the largest value within each attribute. */
function chosen(values: ArrayLike<number>): number[] {
  let first = 0;
  return counts.map((count) => {
    const part = Array.from({ length: count }, (_, i) => values[first + i] ?? 0);
    first += count;
    return part.indexOf(Math.max(...part));
  });
}

describe('namesSeen', () => {
  it('has the names that were meant, in clean drawings', () => {
    for (const meaning of meanings)
      assert.deepEqual(
        chosen(namesSeen(render(cleanScene(meaning)))),
        chosen(namesMeant(meaning)),
        captionOf(meaning),
      );
  });

  it('adds up to 1 in every attribute, also where there is nothing to see', () => {
    const blank = { width: 32, height: 32, data: new Uint8Array(3072).fill(90) };
    assert.equal(perceive(blank), undefined);
    for (const image of [blank, ...meanings.slice(0, 3).map((m) => render(cleanScene(m)))]) {
      const values = namesSeen(image);
      assert.equal(values.length, total);
      assertClose(
        values.reduce((a, b) => a + b, 0),
        counts.length,
        { rtol: 1e-6 },
      );
    }
    assert.equal(namesSeen(blank)[0], 1 / SHAPES.length);
  });
});

describe('namingLoss', () => {
  const D = 4;
  const parameters = newNames(D, new TorchGenerator(5));
  const directions = parameters.tensor('names');
  const place = [0.5, 0.5, -0.5, 0.5]; // of length 1
  const embeds = tensor([...place, 1, 0, 0, 0], [2, D]);
  const scale = tensor([3], []);
  const wanted = meanings.slice(0, 2).map(namesMeant);
  const loss = () => namingLoss(directions, embeds, scale, tensor(wanted.flat(), [2, total]));

  it('is the sum over attributes of the cross entropy of scaled cosines', () => {
    const names = parameters.read('names');
    const cosine = (x: readonly number[], n: number) => {
      const row = Array.from(names.subarray(n * D, n * D + D));
      const dot = row.reduce((sum, w, d) => sum + w * (x[d] ?? 0), 0);
      return dot / Math.hypot(...row);
    };
    let expected = 0;
    for (const [b, x] of [place, [1, 0, 0, 0]].entries()) {
      let first = 0;
      for (const count of counts) {
        const logits = Array.from({ length: count }, (_, i) => 3 * cosine(x, first + i));
        const all = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
        for (const [i, logit] of logits.entries())
          expected += ((all - logit) * (wanted[b]?.[first + i] ?? 0)) / 2;
        first += count;
      }
    }
    assertClose(loss(), expected, { rtol: 1e-5 });
  });

  it('does not depend on the length of a direction, and its slope does not either', () => {
    const { grads } = valueAndGrad(loss, [directions]);
    const slope = grads[0]?.floats() ?? new Float32Array(total * D);
    const names = parameters.read('names');
    for (let n = 0; n < total; n++) {
      const row = (values: Float32Array) => Array.from(values.subarray(n * D, n * D + D));
      const along = row(names).reduce((sum, w, d) => sum + w * (row(slope)[d] ?? 0), 0);
      assertClose(along, 0, { atol: 1e-5 });
      assert.ok(Math.hypot(...row(slope)) > 1e-4);
    }
  });
});

describe('trainNaming', () => {
  it('comes below what knowing nothing costs, and frees all but the scorer', async () => {
    const tokenizer = worldTokenizer();
    const before = tensorCount();
    const scorer = newScorer(tokenizer.definition.vocab.size, new TorchGenerator(1));
    const corpus = drawCorpus(60, new TorchGenerator(2));
    const drawn = meanings.map((meaning) => render(cleanScene(meaning)));
    const plan = { steps: 12, batchSize: 16, learningRate: 2e-3, seed: 1 };
    const losses: number[] = [];
    for await (const { figures } of trainNaming(scorer, tokenizer, { corpus, drawn }, plan))
      losses.push(figures.loss ?? Number.NaN);
    const chance = 2 * counts.reduce((sum, count) => sum + Math.log(count), 0);
    assert.ok((losses.at(-1) ?? 99) < chance - 0.5, `${losses.at(-1)} of ${chance}`);
    scorer.parameters.dispose();
    assert.equal(tensorCount(), before);
  });
});
