import assert from 'node:assert/strict';
import { accumulateGrads, tensorCount, tidy, withKernels } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import { loraParameterCount, mergeLora, type UNet, unetConfig, withLora } from '../../src/models';
import { TorchGenerator } from '../../src/random';
import { assertClose } from '../support/assert';
import { fixturePath } from '../support/fixtures';
import {
  caseAdapter,
  caseForward,
  fillB,
  type LoraCaseName,
  loraCases,
  loraTensor,
  mergedNames,
  probed,
} from '../support/lora';
import { variants } from '../support/model-fixture';
import { channelsLast } from '../support/wave';

const NAMES: readonly LoraCaseName[] = ['attention', 'wide'];

const distance = (a: Float32Array, b: Float32Array) =>
  Math.hypot(...a.map((x, i) => x - (b[i] ?? Number.NaN)));

describe('withLora', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });
  after(() => disposePipeline(pipeline));

  for (const name of NAMES)
    it(`starts as peft does, bit for bit, in peft’s order (${name})`, () => {
      const { adapter } = caseAdapter(pipeline.unet, loraCases[name]);
      assert.deepEqual(adapter.names, loraCases[name].names);
      for (const weight of adapter.names)
        if (weight.includes('.lora_A.'))
          assert.deepEqual(adapter.read(weight), loraTensor(name, `start.${weight}`), weight);
        else assert.ok(adapter.read(weight).every((x) => Object.is(x, 0)));
      adapter.dispose();
    });

  for (const name of NAMES)
    for (const [label, { mode, precision }] of variants)
      for (const recompute of ['none', 'blocks'] as const)
        it(`computes what peft does, and its gradients (${name}, ${label}, recompute ${recompute})`, () =>
          withKernels(mode, () => {
            const { parameters } = pipeline.unet;
            const copy = parameters.clone(); // of this mode
            const base: UNet = { ...pipeline.unet, parameters: copy, p: copy.tree() };
            const lora = caseAdapter(base, loraCases[name]);
            fillB(lora);
            lora.adapter.trainable();
            const out = tidy(() => {
              const run = () => {
                const output = caseForward(lora.model, precision, recompute);
                return { loss: probed(output), output };
              };
              return accumulateGrads(run).output.floats();
            });
            assertNear(name, precision, out, (weight) => lora.adapter.readGrad(weight));
            copy.dispose();
            lora.adapter.dispose();
          }));

  function assertNear(
    name: LoraCaseName,
    precision: 'no' | 'bf16',
    out: Float32Array,
    gradOf: (weight: string) => Float32Array,
  ): void {
    const { names, autocastError } = loraCases[name];
    const torch = channelsLast(loraTensor(name, 'out'), [2, 4, 8, 8]);
    const grads = names.map(
      (weight) => [gradOf(weight), loraTensor(name, `grad.${weight}`)] as const,
    );
    if (precision === 'no') {
      assertClose(out, torch, { rtol: 1e-5 });
      grads.forEach(([ours, expected], i) => {
        assertClose(ours, expected, { rtol: 1e-4, label: names[i] ?? '' });
      });
      return;
    }
    const error = Math.hypot(...grads.map(([ours, expected]) => distance(ours, expected)));
    assert.ok(distance(out, torch) < 1.5 * autocastError.out, `out: ${distance(out, torch)}`);
    assert.ok(error < 1.5 * autocastError.gradients, `gradients: ${error}`);
  }

  it('is the base to the last bit while B is zero, and leaves the base’s own tree as it is', () => {
    const { model, adapter } = withLora(pipeline.unet, { generator: new TorchGenerator(1) });
    for (const precision of ['no', 'bf16'] as const)
      tidy(() => {
        const [ours, theirs] = [model, pipeline.unet].map((m) =>
          caseForward(m, precision).floats(),
        );
        assert.deepEqual(ours, theirs);
      });
    adapter.dispose();
  });

  it('adds to its output what alpha / rank says', () => {
    const outputs = [4, 8, 12].map((alpha) => {
      const generator = new TorchGenerator(1);
      const targetModules = ['mid_block.attentions.0.transformer_blocks.0.ff.net.2'];
      const lora = withLora(pipeline.unet, { rank: 4, alpha, targetModules, generator });
      assert.equal(lora.adapter.names.length, 2);
      fillB(lora);
      const { mid_block: middle } = lora.model.p;
      const scale = middle.attentions[0].transformer_blocks[0]?.ff.net[2].lora?.scale;
      lora.adapter.dispose();
      return scale;
    });
    assert.deepEqual(outputs, [1, 2, 3]);
  });

  it('refuses what an adapter cannot go on', () => {
    const generator = new TorchGenerator(1);
    const before = tensorCount();
    const refused = (targetModules: string[], message: RegExp) =>
      assert.throws(() => withLora(pipeline.unet, { targetModules, generator }), message);
    refused(['to_x'], /no layer "to_x"/);
    refused(['o_q'], /no layer "o_q"/); // a name's end is not enough
    refused(['conv1'], /"down_blocks\.0\.resnets\.0\.conv1" is \[16,16,3,3\]/);
    refused(['norm1'], /linear layer; the weight of ".*norm1" is \[16\]/);
    refused([], /at least one layer/);
    assert.throws(() => withLora(pipeline.unet, { rank: 0, generator }), /positive integer; got 0/);
    assert.throws(
      () => withLora(pipeline.unet, { alpha: -1, generator }),
      /positive number; got -1/,
    );
    const parameters = pipeline.unet.parameters.clone().trainable();
    assert.throws(() => withLora({ ...pipeline.unet, parameters }, { generator }), /is frozen/);
    parameters.dispose();
    assert.equal(tensorCount(), before);
  });
});

describe('mergeLora', () => {
  it('adds the adapter to the weights as peft does', async () => {
    const pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
    for (const name of NAMES) {
      const lora = caseAdapter(pipeline.unet, loraCases[name]);
      const { config } = pipeline.unet;
      assert.equal(loraParameterCount(config, lora.config), loraCases[name].parameters);
      fillB(lora);
      const merged = mergeLora(lora);
      const kept = mergedNames(name);
      assert.equal(kept.length, 3);
      for (const weight of kept)
        assertClose(merged.parameters.read(weight), loraTensor(name, `merged.${weight}`), {
          rtol: 1e-6,
          label: weight,
        });
      tidy(() =>
        assertClose(caseForward(merged, 'no'), caseForward(lora.model, 'no'), { rtol: 1e-5 }),
      );
      for (const owned of [merged.parameters, lora.adapter]) owned.dispose();
    }
    disposePipeline(pipeline);
  });
});

describe('loraParameterCount', () => {
  it('is 797,184 for Stable Diffusion 1.5 at rank 4, twice that at rank 8', () => {
    const config = unetConfig({
      _class_name: 'UNet2DConditionModel',
      attention_head_dim: 8,
      block_out_channels: [320, 640, 1280, 1280],
      cross_attention_dim: 768,
    });
    assert.equal(loraParameterCount(config), 797_184);
    assert.equal(loraParameterCount(config, { rank: 8, alpha: 1 }), 1_594_368);
  });
});
