import assert from 'node:assert/strict';
import { tensor, tidy } from '../../src/engine';
import * as nn from '../../src/nn';
import { assertClose } from '../support/assert';
import { layerOf } from '../support/layer';

describe('linear', () => {
  it('is x Wᵀ + b + residual', () => {
    const weights = nn.linearWeights('layer', 2, 3);
    const { p, parameters } = layerOf<nn.Linear>(weights, {
      weight: [1, 2, 3, 4, 5, 6],
      bias: [10, 20, 30],
    });
    tidy(() => {
      const x = tensor([1, -1], [1, 2]);
      // 1 − 2 + 10, 3 − 4 + 20, 5 − 6 + 30
      assertClose(nn.linear(p, x), [9, 19, 29]);
      const residual = tensor([100, 200, 300], [1, 3]);
      assertClose(nn.linear(p, x, { residual }), [109, 219, 329]);
    });
    parameters.dispose();
  });

  it('goes without a bias', () => {
    const weights = nn.biaslessLinearWeights('layer', 2, 1);
    assert.deepEqual(weights, [['layer.weight', [1, 2]]]);
    const { p, parameters } = layerOf<nn.Linear>(weights, { weight: [2, 3] });
    tidy(() => assertClose(nn.linear(p, tensor([1, 1, 0, 1], [2, 1, 2])), [5, 3]));
    parameters.dispose();
  });
});
