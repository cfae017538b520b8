import assert from 'node:assert/strict';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import {
  disposePipeline,
  loadPipeline,
  mergeLoraFile,
  openSafetensors,
  type Pipeline,
  saveLora,
  writeSafetensors,
} from '../../src/hub';
import { toEngineLayout } from '../../src/hub/layout';
import { extractLora, type LoraUNet, mergeLora } from '../../src/models';
import { assertClose } from '../support/assert';
import { familyPath } from '../support/families';
import { fixturePath, tensorFixture } from '../support/fixtures';
import { caseAdapter, fillB, loraCases } from '../support/lora';
import { inTemporaryFolder } from '../support/temporary';

async function withPipeline(dir: string, use: (pipeline: Pipeline) => Promise<void>) {
  const before = tensorCount();
  const pipeline = await loadPipeline(dir);
  try {
    await use(pipeline);
  } finally {
    disposePipeline(pipeline);
  }
  assert.equal(tensorCount(), before);
}

const kohya = (name: string) => fixturePath('lora', `kohya-${name}.safetensors`);

/** The weights of a pipeline, under diffusers' and transformers' names. */
function weightOf({ unet, textEncoder, textEncoder2 }: Pipeline, path: string): Float32Array {
  const [part = '', ...rest] = path.split('.');
  const model = { unet, text_encoder: textEncoder, text_encoder_2: textEncoder2 }[part];
  assert.ok(model, path);
  const name = rest.join('.');
  const { parameters } = model;
  return parameters.read(parameters.has(name) ? name : `text_model.${name}`);
}

describe('mergeLoraFile', () => {
  for (const name of ['sd2', 'sdxl'])
    it(`adds kohya’s adapters as their scripts do: ${name}`, () =>
      withPipeline(familyPath(name), async (pipeline) => {
        const untouched = 'unet.conv_in.weight';
        const before = weightOf(pipeline, untouched);
        await mergeLoraFile(pipeline, kohya(name), { scale: 0.75 });
        for (const [path, { shape, data }] of tensorFixture(
          'lora',
          `kohya-${name}-fused.safetensors`,
        )) {
          const expected = toEngineLayout(data as Float32Array, shape);
          assertClose(weightOf(pipeline, path), expected, { rtol: 1e-5, atol: 1e-6 });
        }
        assert.deepEqual(weightOf(pipeline, untouched), before);
      }));

  it('adds diffusers’ adapters as mergeLora does, alpha of the header included', () =>
    inTemporaryFolder((folder) =>
      withPipeline(fixturePath('pipelines', 'tiny-sd'), async (pipeline) => {
        const lora = caseAdapter(pipeline.unet, loraCases.attention);
        fillB(lora);
        await saveLora(lora, folder);
        const merged = mergeLora(lora);
        await mergeLoraFile(pipeline, folder);
        for (const name of merged.parameters.names)
          assertClose(pipeline.unet.parameters.read(name), merged.parameters.read(name), {
            rtol: 1e-5,
            atol: 1e-6,
          });
        merged.parameters.dispose();
        lora.adapter.dispose();
      }),
    ));

  it('refuses what belongs to no layer, and changes nothing', () =>
    inTemporaryFolder((folder) =>
      withPipeline(familyPath('sd2'), async (pipeline) => {
        const file = await openSafetensors(kohya('sd2'));
        const tensors = await Promise.all(
          [...file.entries.values()].map(async (entry) => ({
            ...entry,
            data: await file.read(entry.name),
          })),
        );
        await file.close();
        const path = join(folder, 'x.safetensors');
        const attention = 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight';
        const before = weightOf(pipeline, attention);
        const refuses = async (reason: RegExp, changed: typeof tensors) => {
          await writeSafetensors(path, changed);
          await assert.rejects(mergeLoraFile(pipeline, path), reason);
          assert.deepEqual(weightOf(pipeline, attention), before);
        };
        const extra = {
          ...tensors[0],
          shape: [1],
          dtype: 'F32' as const,
          data: new Float32Array(1),
        };
        await refuses(/lora_unet_x\.dora_scale/, [
          ...tensors,
          { ...extra, name: 'lora_unet_x.dora_scale' } as (typeof tensors)[number],
        ]);
        await refuses(
          /only half of them is there: lora_\w+\.lora_down/,
          tensors.filter(({ name }) => !name.endsWith('conv1.lora_up.weight')),
        );
        await assert.rejects(mergeLoraFile(pipeline, kohya('sdxl')), /belong to no layer/);
      }),
    ));
});

describe('extractLora', () => {
  it('finds an adapter again in what it did to the weights', () =>
    withPipeline(fixturePath('pipelines', 'tiny-sd'), async ({ unet }) => {
      const lora = caseAdapter(unet, loraCases.attention);
      fillB(lora);
      const tuned = mergeLora(lora);
      const found = extractLora(unet, tuned, { rank: 4 });
      const again = mergeLora(found);
      for (const name of tuned.parameters.names)
        assertClose(again.parameters.read(name), tuned.parameters.read(name), {
          rtol: 0,
          atol: 2e-6,
        });
      for (const { parameters } of [tuned, again]) parameters.dispose();
      for (const { adapter } of [lora, found]) adapter.dispose();
    }));

  it('keeps the largest singular values: what is left has the length of the others', () =>
    withPipeline(fixturePath('pipelines', 'tiny-sd'), async ({ unet }) => {
      const layer = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q';
      const tuned = { ...unet, parameters: unet.parameters.clone() };
      const weight = tuned.parameters.read(`${layer}.weight`);
      const [, side = 0] = tuned.parameters.shape(`${layer}.weight`);
      [3, 2, 1].forEach((value, i) => {
        weight[i * side + i] = (weight[i * side + i] ?? 0) + value;
      });
      tuned.parameters.write(`${layer}.weight`, weight);
      const left = (rank: number) => {
        const lora: LoraUNet = extractLora(unet, tuned, { rank, targetModules: [layer] });
        const merged = mergeLora(lora);
        const values = merged.parameters
          .read(`${layer}.weight`)
          .map((x, i) => x - (weight[i] ?? 0));
        merged.parameters.dispose();
        lora.adapter.dispose();
        return Math.hypot(...values);
      };
      assertClose(new Float32Array([1, 2, 3].map(left)), new Float32Array([Math.sqrt(5), 1, 0]), {
        rtol: 1e-5,
        atol: 1e-5,
      });
      assert.throws(() => left(side + 1), /whose rank cannot be/);
      tuned.parameters.dispose();
    }));
});
