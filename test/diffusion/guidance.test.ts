import assert from 'node:assert/strict';
import { guidedPrediction } from '../../src/diffusion';
import { type Tensor, tensor } from '../../src/engine';
import { assertClose } from '../support/assert';

describe('guidedPrediction', () => {
  const latents = tensor([1, 2], [2, 1, 1, 1]);

  it('goes from the unconditional prediction beyond the one for the text', () => {
    const rows = (x: Tensor) => x.add(tensor([10, 20, 30, 50], [4, 1, 1, 1])); // uncond, uncond, text, text
    // uncond 11, 22; text 31, 52: 11 + 3 · 20, 22 + 3 · 30
    assertClose(guidedPrediction(rows, latents, 3), [71, 112]);
  });

  it('asks the model once a row where there is no guidance', () => {
    for (const scale of [1, 0]) {
      const asked: (readonly number[])[] = [];
      const guided = guidedPrediction(
        (x) => {
          asked.push(x.shape);
          return x.mul(5);
        },
        latents,
        scale,
      );
      assertClose(guided, [5, 10]);
      assert.deepEqual(asked, [[2, 1, 1, 1]]);
    }
  });
});
