import assert from 'node:assert/strict';
import {
  clipModelConfig,
  clipModelWeights,
  clipTextConfig,
  clipTextWeights,
  initialise,
} from '../../src/models';
import * as nn from '../../src/nn';
import { TorchGenerator } from '../../src/random';
import { assertClose } from '../support/assert';
import { jsonFixture } from '../support/fixtures';
import { modelCase } from '../support/model-fixture';

const deviation = (x: Float32Array) =>
  Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / Math.max(1, x.length));

describe('initialise', () => {
  it('draws linear and convolution layers as PyTorch does from the same seed', () => {
    const expected = jsonFixture<Record<string, number[]>>('models', 'init.json');
    const weights = [...nn.linearWeights('linear', 7, 5), ...nn.conv2dWeights('conv', 3, 4)];
    const drawn = new Map(initialise(weights, new TorchGenerator(3)));
    assert.deepEqual(
      [...drawn.keys()],
      ['linear.weight', 'linear.bias', 'conv.weight', 'conv.bias'],
    );
    for (const [name, values] of drawn) {
      assertClose(values, expected[name] ?? [], { rtol: 2e-7, atol: 0, label: name });
    }
  });

  it('starts norms as the identity', () => {
    const drawn = new Map(initialise(nn.normWeights('norm', 3), new TorchGenerator(0)));
    assert.deepEqual([...(drawn.get('norm.weight') ?? [])], [1, 1, 1]);
    assert.deepEqual([...(drawn.get('norm.bias') ?? [])], [0, 0, 0]);
  });

  it("has the deviations of transformers' CLIP, and zero biases", () => {
    // Width 64, 3 layers, inner width 96: 64^−½ = 0.125, (2 · 3)^−½ = 0.408
    const config = clipTextConfig({
      ...modelCase('clip-text-gelu').config,
      ...{ vocab_size: 200, hidden_size: 64, num_attention_heads: 4, intermediate_size: 96 },
    });
    const drawn = new Map(initialise(clipTextWeights(config), new TorchGenerator(1)));
    const layer = 'text_model.encoder.layers.1';
    const expected = {
      'text_model.embeddings.token_embedding.weight': 0.02,
      [`${layer}.self_attn.q_proj.weight`]: 0.125 * 0.408248,
      [`${layer}.self_attn.v_proj.weight`]: 0.125 * 0.408248,
      [`${layer}.self_attn.out_proj.weight`]: 0.125,
      [`${layer}.mlp.fc1.weight`]: 128 ** -0.5,
      [`${layer}.mlp.fc2.weight`]: 0.125 * 0.408248,
      [`${layer}.mlp.fc1.bias`]: 0,
      [`${layer}.self_attn.k_proj.bias`]: 0,
    };
    for (const [name, std] of Object.entries(expected)) {
      const actual = deviation(drawn.get(name) ?? new Float32Array([Number.NaN]));
      assert.ok(Math.abs(actual - std) <= 0.05 * std, `${name}: ${actual}, expected ${std}`);
    }
  });

  it('gives every weight of a two-tower CLIP its size, and the logit scale its constant', () => {
    const weights = clipModelWeights(clipModelConfig(modelCase('clip-quick').config));
    const drawn = new Map(initialise(weights, new TorchGenerator(2)));
    for (const [name, shape] of weights) {
      assert.equal(
        drawn.get(name)?.length,
        shape.reduce((n, d) => n * d, 1),
        name,
      );
    }
    assertClose(drawn.get('logit_scale') ?? [], [2.6592]);
  });
});
