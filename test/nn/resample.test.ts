import assert from 'node:assert/strict';
import { type Tensor, tensor, tidy } from '../../src/engine';
import * as nn from '../../src/nn';
import { assertClose } from '../support/assert';
import { layerOf } from '../support/layer';

/** A 3×3 convolution of one channel that copies the pixel at `row, column` of its window. */
function copying(row: number, column: number) {
  const weight = Array(9).fill(0);
  weight[3 * row + column] = 1;
  const layer = layerOf<nn.Conv2d>(nn.conv2dWeights('layer', 1, 1), { weight });
  return { p: { conv: layer.p }, parameters: layer.parameters };
}

const image = (rows: readonly (readonly number[])[]): Tensor =>
  tensor(rows.flat(), [1, rows.length, rows[0]?.length ?? 0, 1]);

describe('downsample', () => {
  it('pads (1, 1) as PyTorch does, so a window begins one pixel before every second pixel', () => {
    const { p, parameters } = copying(1, 1);
    tidy(() => {
      const h = nn.downsample(
        p,
        image([
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ]),
        { border: [1, 1] },
      );
      assert.deepEqual(h.shape, [1, 2, 2, 1]);
      assertClose(h, [1, 3, 7, 9]);
    });
    parameters.dispose();
  });

  it('pads (0, 1) in the autoencoder, so a window begins at every second pixel', () => {
    const { p, parameters } = copying(0, 2);
    tidy(() => {
      const rows = [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ];
      const h = nn.downsample(p, image(rows), { border: [0, 1] });
      assertClose(h, [3, 0]); // the third pixel of each window; beyond the edge is 0
    });
    parameters.dispose();
  });
});

describe('upsample', () => {
  it('repeats every pixel in both directions', () => {
    const { p, parameters } = copying(1, 1);
    tidy(() => {
      const h = nn.upsample(p, image([[1, 2]]));
      assert.deepEqual(h.shape, [1, 2, 4, 1]);
      assertClose(h, [1, 1, 2, 2, 1, 1, 2, 2]);
    });
    parameters.dispose();
  });

  it('drops the last row or column where the way down met an odd size', () => {
    const { p, parameters } = copying(1, 1);
    tidy(() => {
      const h = nn.upsample(p, image([[1, 2]]), { size: [1, 3] });
      assert.deepEqual(h.shape, [1, 1, 3, 1]);
      assertClose(h, [1, 1, 2]);
    });
    parameters.dispose();
  });
});
