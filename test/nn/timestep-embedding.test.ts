import { tensor, tidy } from '../../src/engine';
import * as nn from '../../src/nn';
import { assertClose } from '../support/assert';
import { layerOf } from '../support/layer';

describe('sinusoid', () => {
  it('has frequencies 10000^(−i / (n/2 − shift)), cosines first in Stable Diffusion', () => {
    tidy(() => {
      // Two frequencies: 1 and 10000^(−1/2) = 0.01
      const waves = nn.sinusoid([3, 50], { channels: 4, order: 'cos-sin', freqShift: 0 });
      const row = (t: number) => [Math.cos(t), Math.cos(0.01 * t), Math.sin(t), Math.sin(0.01 * t)];
      assertClose(waves, [...row(3), ...row(50)], { rtol: 1e-5 });
    });
  });

  it('puts sines first and stretches the frequencies when asked, and zero at an odd end', () => {
    tidy(() => {
      // Two frequencies: 1 and 10000^(−1 / (2 − 1)) = 0.0001
      const waves = nn.sinusoid([2], { channels: 5, order: 'sin-cos', freqShift: 1 });
      const expected = [Math.sin(2), Math.sin(2e-4), Math.cos(2), Math.cos(2e-4), 0];
      assertClose(waves, expected, { rtol: 1e-6 });
    });
  });
});

describe('timestepEmbedding', () => {
  it('is a SiLU between two linear layers', () => {
    const weights = nn.timestepEmbeddingWeights('layer', 1, 1);
    const { p, parameters } = layerOf<nn.TimestepEmbedding>(weights, {
      'linear_1.weight': [2],
      'linear_1.bias': [1],
      'linear_2.weight': [3],
      'linear_2.bias': [-1],
    });
    tidy(() => {
      const inner = 2 * 0.5 + 1;
      const expected = (3 * inner) / (1 + Math.exp(-inner)) - 1;
      assertClose(nn.timestepEmbedding(p, tensor([0.5], [1, 1])), [expected]);
    });
    parameters.dispose();
  });
});
