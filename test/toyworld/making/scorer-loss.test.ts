import assert from 'node:assert/strict';
import { tensor, valueAndGrad } from '../../../src/engine';
import { imageEmbeds, logitScale, textEmbeds } from '../../../src/models';
import { TorchGenerator } from '../../../src/random';
import { newClipModel } from '../../../src/toyworld/making/new-model';
import { pairScores, pickScoreLoss } from '../../../src/toyworld/making/scorer-loss';
import { scorerJson } from '../../../src/toyworld/model-configs';
import { assertClose } from '../../support/assert';

const B = 3;
const generator = new TorchGenerator(1);
const clip = newClipModel(scorerJson(30), generator);
const ids = tensor(
  Int32Array.from({ length: B * 5 }, (_, i) => (i % 5 === 0 ? 28 : i % 5 === 4 ? 29 : i)),
  [B, 5],
);
const pictures = (count: number) =>
  tensor(generator.randn(count * 32 * 32 * 3), [count, 32, 32, 3]);

/** Compares the gradient at one number of a weight with the slope of the loss. */
function assertSlope(loss: () => number, gradient: number, name: string) {
  const values = clip.parameters.read(name);
  const at = (shift: number) => {
    clip.parameters.write(
      name,
      values.map((x, i) => (i === 0 ? x + shift : x)),
    );
    return loss();
  };
  const measured = (at(1e-2) - at(-1e-2)) / 2e-2;
  clip.parameters.write(name, values);
  assertClose(gradient, measured, { rtol: 0.05, atol: 2e-4, label: name });
}

const WEIGHTS = ['logit_scale', 'visual_projection.weight', 'text_projection.weight'];

describe('pickScoreLoss', () => {
  const pixels = pictures(2 * B);
  const labels = tensor([1, 0, 0.5], [B]);

  it('is the cross entropy of labels and the softmax of two scores', () => {
    const scores = pairScores(clip, pixels, ids).floats();
    const expected = [1, 0, 0.5].map((label, b) => {
      const difference = Number(scores[2 * b]) - Number(scores[2 * b + 1]);
      const first = 1 / (1 + Math.exp(-difference));
      return -(label * Math.log(first) + (1 - label) * Math.log(1 - first));
    });
    const mean = expected.reduce((a, b) => a + b, 0) / B;
    assertClose(pickScoreLoss(clip, pixels, ids, labels), mean, { rtol: 1e-4 });
  });

  it('scores each caption with its own two pictures', () => {
    const scores = pairScores(clip, pixels, ids).floats();
    const second = pixels.slice([B + 1, 0, 0, 0], [1, 32, 32, 3]);
    const text = textEmbeds(clip, ids.slice([1, 0], [1, 5])).normalised;
    const cosine = imageEmbeds(clip, second).normalised.mul(text).sum().item();
    assertClose(scores[3] ?? 0, cosine * logitScale(clip).item(), { rtol: 1e-3 });
    assert.equal(scores.length, 2 * B);
  });

  it('has the slope that its own values say', () => {
    for (const name of WEIGHTS) {
      const weight = clip.parameters.tensor(name);
      const { grads } = valueAndGrad(() => pickScoreLoss(clip, pixels, ids, labels), [weight]);
      const loss = () => pickScoreLoss(clip, pixels, ids, labels).item();
      assertSlope(loss, grads[0]?.floats()[0] ?? 0, name);
    }
  });
});
