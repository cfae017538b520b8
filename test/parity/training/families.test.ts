import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensorCount } from '../../../src/engine';
import { disposePipeline, loadPipeline } from '../../../src/hub';
import {
  planRun,
  resolveTrainOptions,
  type TrainHooks,
  type TrainRequest,
} from '../../../src/training';
import { type FAMILIES, familyPath } from '../../support/families';
import { inTemporaryFolder } from '../../support/temporary';
import { request, run } from '../../support/train-run';

type Family = keyof typeof FAMILIES;

const asked = (folder: string, name: Family, rest: TrainRequest = {}) =>
  request(folder, {
    pretrainedModelNameOrPath: familyPath(name),
    maxTrainSteps: 3,
    sdxl: !name.startsWith('sd2'),
    ...rest,
  });

describe('train, of every family', () => {
  const kinds: readonly (readonly [Family, TrainRequest])[] = [
    ['sd2', {}],
    ['sdxl', { pretrainedVaeModelNameOrPath: join(familyPath('turbo'), 'vae') }],
    ['turbo', { parity: 'repo', mixedPrecision: 'bf16' }],
    ['refiner', { loraRank: 2 }],
  ];
  for (const [name, rest] of kinds)
    it(`trains, goes on where it was stopped, and saves a pipeline that loads: ${name}`, () =>
      inTemporaryFolder(async (folder) => {
        const before = tensorCount();
        const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')];
        const { records, result } = await run(asked(whole, name, rest));
        assert.equal(result?.ended, 'finished');
        assert.equal(records[0]?.learningRate, 0);
        assert.ok(records.every(({ gradNorm }) => gradNorm > 0));
        if (rest.parity !== 'repo')
          assert.ok(Math.abs((records[0]?.loss ?? 0) - Math.LN2) < 1e-6, 'starts at ln 2');
        await run(asked(parts, name, rest), {}, 1);
        const { records: last } = await run(asked(parts, name, rest));
        assert.deepEqual(
          last.map(({ loss }) => loss),
          records.slice(1).map(({ loss }) => loss),
        );
        const unet = ['unet', 'diffusion_pytorch_model.safetensors'];
        assert.deepEqual(readFileSync(join(parts, ...unet)), readFileSync(join(whole, ...unet)));
        const tuned = await loadPipeline(whole);
        const start = await loadPipeline(familyPath(name));
        assert.deepEqual(tuned.conditioning, start.conditioning);
        const [now, then] = [tuned, start].map(({ unet: { parameters } }) =>
          parameters.read('mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight'),
        );
        assert.notDeepEqual(now, then);
        for (const pipeline of [tuned, start]) disposePipeline(pipeline);
        assert.equal(tensorCount(), before);
      }));

  it('tells SDXL the real sizes where it is asked to', () =>
    inTemporaryFolder(async (folder) => {
      const [told, real] = [false, true].map((trueMicroConditioning) =>
        asked(join(folder, `${trueMicroConditioning}`), 'sdxl', {
          ...{ trueMicroConditioning, maxTrainSteps: 1, loraRank: 1 },
        }),
      );
      assert.ok(told && real);
      const ids: (readonly (readonly number[])[] | undefined)[] = [];
      const hooks: TrainHooks = { onMicroBatch: ({ noisy }) => ids.push(noisy.added?.timeIds) };
      for (const request of [told, real]) await run(request, hooks);
      const [first, , second] = ids; // of two micro-batches each
      assert.deepEqual(first, Array(4).fill([16, 16, 0, 0, 16, 16]));
      assert.deepEqual(
        second?.map(([, , , , ...target]) => target),
        Array(4).fill([16, 16]),
      );
      assert.ok(second?.every(([height = 0, width = 0]) => height >= 50 && width >= 50));
    }));

  it('refuses a flag of another family', () =>
    inTemporaryFolder(async (folder) => {
      const sdxl = familyPath('sdxl');
      const without = run(asked(folder, 'sdxl', { sdxl: false }));
      await assert.rejects(without, new RegExp(`"${sdxl}" is an SDXL pipeline; add --sdxl`));
      const wrong = run(asked(folder, 'sd2', { sdxl: true }));
      await assert.rejects(wrong, /is no SDXL pipeline; leave out --sdxl/);
    }));
});

describe('planRun, of every family', () => {
  it('counts both text encoders, and the refiner’s one', async () => {
    const textsOf = async (name: Family) => {
      const { model } = await planRun(resolveTrainOptions(asked('output', name)));
      assert.ok('parameters' in model);
      return model.parameters.textEncoder;
    };
    const counted = async (name: Family) => {
      const pipeline = await loadPipeline(familyPath(name));
      const { textEncoder, textEncoder2 } = pipeline;
      const counts = [textEncoder, textEncoder2].map((m) => m?.parameters.elementCount ?? 0);
      disposePipeline(pipeline);
      return counts.reduce((a, b) => a + b);
    };
    for (const name of ['sd2', 'sdxl', 'refiner'] as const)
      assert.equal(await textsOf(name), await counted(name), name);
  });
});
