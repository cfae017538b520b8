import assert from 'node:assert/strict';
import { ones, type Tensor, tensor, tidy, zeros } from '../../src/engine';
import * as nn from '../../src/nn';
import { assertClose, assertNoLeak } from '../support/assert';
import { layerOf } from '../support/layer';

const ramp = (shape: readonly number[]): Tensor => {
  const count = shape.reduce((n, d) => n * d, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => Math.sin(i)),
    shape,
  );
};

describe('groupNorm and layerNorm', () => {
  it('divide by √(variance + ε), with ε inside the root', () => {
    const { p, parameters } = layerOf<nn.Norm>(nn.normWeights('layer', 2), {
      weight: [1, 2],
      bias: [0, 10],
    });
    tidy(() => {
      // Mean 2, variance 1, ε 3: (x − 2) / 2, then scale and offset
      const expected = [-0.5, 2 * 0.5 + 10];
      assertClose(nn.layerNorm(p, tensor([1, 3], [1, 2]), { epsilon: 3 }), expected);
      const image = tensor([1, 3], [1, 1, 1, 2]);
      assertClose(nn.groupNorm(p, image, { groups: 1, epsilon: 3 }), expected);
    });
    parameters.dispose();
  });

  it('shift the channels of each image before the norm where asked, and apply SiLU after it', () => {
    const { p, parameters } = layerOf<nn.Norm>(nn.normWeights('layer', 2), {
      weight: [1, 1],
      bias: [0, 1],
    });
    tidy(() => {
      const x = tensor([1, 1, 7, 5], [2, 1, 1, 2]);
      const shift = tensor([0, 2, 0, 2], [2, 2]);
      const silu = (v: number) => v / (1 + Math.exp(-v));
      // Shifted (1, 3) and (7, 7); ε 3: normed (−½, ½) and (0, 0); offset (0, 1)
      const expected = [-0.5, 0.5 + 1, 0, 1].map(silu);
      assertClose(nn.groupNormSilu(p, x, { groups: 1, epsilon: 3, shift }), expected);
    });
    parameters.dispose();
  });
});

describe('resnetBlock', () => {
  it('returns its input where the second convolution is zero', () => {
    const weights = nn.resnetWeights('layer', { inputs: 2, outputs: 2, timeChannels: 3 });
    const { p, parameters } = layerOf<nn.ResnetBlock>(weights);
    tidy(() => {
      const x = ramp([1, 3, 3, 2]);
      const options = { groups: 1, epsilon: 1e-5, timeFeatures: ones([1, 3]) };
      assertClose(nn.resnetBlock(p, x, options), x);
    });
    parameters.dispose();
  });

  it('maps its input with a 1×1 convolution where the channels change', () => {
    const weights = nn.resnetWeights('layer', { inputs: 2, outputs: 1 });
    const { p, parameters } = layerOf<nn.ResnetBlock>(weights, {
      'conv_shortcut.weight': [1, -1], // [1, 1, in, out]
      'conv_shortcut.bias': [5],
    });
    tidy(() => {
      const x = tensor([3, 1, 2, 7], [1, 1, 2, 2]);
      assertClose(nn.resnetBlock(p, x, { groups: 1, epsilon: 1e-6 }), [7, 0]);
    });
    parameters.dispose();
  });

  it('leaves no tensor behind but its result', () => {
    const weights = nn.resnetWeights('layer', { inputs: 2, outputs: 4 });
    const { p, parameters } = layerOf<nn.ResnetBlock>(weights);
    const x = zeros([1, 4, 4, 2]);
    assertNoLeak(() => nn.resnetBlock(p, x, { groups: 2, epsilon: 1e-6 }).dispose());
    x.dispose();
    parameters.dispose();
  });
});

describe('attention', () => {
  it('averages the values where all keys agree, and adds the residual', () => {
    const weights = nn.attentionWeights('layer', 2, 1);
    const { p, parameters } = layerOf<nn.Attention>(weights, {
      'to_v.weight': [1, 10], // [2, 1]
      'to_out.0.weight': [1, 0, 0, 1],
      'to_out.0.bias': [0.5, 0],
    });
    tidy(() => {
      const x = tensor([1, 2], [1, 1, 2]);
      const context = tensor([2, 4, 6], [1, 3, 1]);
      // Keys are all 0: the mean value is (4, 40)
      const h = nn.attention(p, x, { heads: 2, context, residual: x });
      assertClose(h, [4 + 0.5 + 1, 40 + 2]);
    });
    parameters.dispose();
  });
});

describe('feedForward', () => {
  it('gates the first half of the inner layer by gelu of the second', () => {
    const weights = nn.feedForwardWeights('layer', 1);
    const { p, parameters } = layerOf<nn.FeedForward>(weights, {
      'net.0.proj.weight': [2, 0, 0, 0, 1, 0, 0, 0], // value 2x, gate x; three idle units
      'net.2.weight': [1, 0, 0, 0],
    });
    tidy(() => {
      const x = tensor([1], [1, 1, 1]);
      const gelu = 0.8413447460685429; // 1 · Φ(1)
      assertClose(nn.feedForward(p, x, { residual: x }), [2 * gelu + 1]);
    });
    parameters.dispose();
  });
});

describe('transformer2d', () => {
  for (const projection of ['conv', 'linear'] as const) {
    it(`returns its input where the last projection is zero (${projection})`, () => {
      const shape = { channels: 4, contextChannels: 3, layers: 2, projection };
      const weights = nn.transformer2dWeights('layer', shape);
      const { p, parameters } = layerOf<nn.Transformer2d>(weights);
      assert.equal(p.transformer_blocks.length, 2);
      tidy(() => {
        const x = ramp([2, 2, 3, 4]);
        const encoderHiddenStates = ramp([2, 5, 3]);
        assertClose(nn.transformer2d(p, x, { heads: 2, groups: 2, encoderHiddenStates }), x);
      });
      parameters.dispose();
    });
  }
});

describe('imageAttention', () => {
  it('returns its input where the last projection is zero', () => {
    const { p, parameters } = layerOf<nn.ImageAttention>(nn.imageAttentionWeights('layer', 4));
    tidy(() => {
      const x = ramp([2, 3, 2, 4]);
      assertClose(nn.imageAttention(p, x, { groups: 2, epsilon: 1e-6 }), x);
    });
    parameters.dispose();
  });
});
