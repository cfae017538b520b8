import assert from 'node:assert/strict';
import { guidedPrediction } from '../../src/diffusion';
import { type Tensor, tensor } from '../../src/engine';
import { assertClose } from '../support/assert';

describe('guidedPrediction', () => {
  const latents = tensor([1, 2], [2, 1, 1, 1]);

  it('goes from the unconditional prediction beyond the one for the text', () => {
    const rows = (x: Tensor) => x.add(tensor([10, 20, 30, 50], [4, 1, 1, 1])); // uncond, uncond, text, text
    // uncond 11, 22; text 31, 52: 11 + 3 · 20, 22 + 3 · 30
    assertClose(guidedPrediction(rows, latents, { guidanceScale: 3 }), [71, 112]);
  });

  it('gives a share of the prediction the contrast of the one for the text, picture by picture', () => {
    const wide = tensor([1, 3, 2, 2], [2, 1, 2, 1]);
    const rows = () => tensor([0, 0, 0, 0, 1, 3, 5, 9], [4, 1, 2, 1]); // guided: 3, 9 and 15, 27
    // of the text the deviations are 1 and 2, guided 3 and 6: both a third; ½ · (1, 3) + ½ · (3, 9) …
    const guidance = { guidanceScale: 3, guidanceRescale: 0.5 };
    assertClose(guidedPrediction(rows, wide, guidance), [2, 6, 10, 18]);
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
        { guidanceScale: scale, guidanceRescale: 0.5 },
      );
      assertClose(guided, [5, 10]);
      assert.deepEqual(asked, [[2, 1, 1, 1]]);
    }
  });
});
