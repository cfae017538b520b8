import assert from 'node:assert/strict';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import {
  disposePipeline,
  loadPipeline,
  openSafetensors,
  type Pipeline,
  savePipeline,
  saveSingleFile,
  type TensorToWrite,
  writeSafetensors,
} from '../../src/hub';
import {
  describedFolder,
  describedTensors,
  originalFiles,
  originalFolder,
} from '../support/single-file';
import { inTemporaryFolder } from '../support/temporary';

const DTYPES = { sd1: 'F32', sd2: 'F16', sdxl: 'F16', refiner: 'F16' } as const;
type Family = keyof typeof DTYPES;

async function withPipeline<T>(
  loading: Promise<Pipeline>,
  use: (pipeline: Pipeline) => Promise<T>,
) {
  const pipeline = await loading;
  try {
    return await use(pipeline);
  } finally {
    disposePipeline(pipeline);
  }
}

/** A family's file, some of its tensors changed. */
async function changedFile(
  folder: string,
  family: Family,
  change: (tensors: readonly TensorToWrite[]) => readonly TensorToWrite[],
): Promise<string> {
  const [path, changed] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
  const dtype = DTYPES[family];
  await withPipeline(loadPipeline(originalFolder(originalFiles[family])), (pipeline) =>
    saveSingleFile(pipeline, path, { dtype }),
  );
  const file = await openSafetensors(path);
  const tensors = await Promise.all(
    [...file.entries.values()].map(async (entry) => ({
      ...entry,
      data: await file.read(entry.name),
    })),
  );
  await file.close();
  await writeSafetensors(changed, change(tensors));
  return changed;
}

const extra = (name: string): TensorToWrite => ({
  ...{ name, dtype: 'F32', shape: [1] },
  data: new Float32Array(1),
});

describe('a single file of the original layout', () => {
  for (const family of Object.keys(DTYPES) as Family[])
    it(`is written as diffusers reads it, and read again bit for bit: ${family}`, () =>
      inTemporaryFolder(async (folder) => {
        const before = tensorCount();
        const source = originalFolder(originalFiles[family]);
        const [path, again] = [join(folder, 'model.safetensors'), join(folder, 'again')];
        const dtype = DTYPES[family];
        await withPipeline(loadPipeline(source), (p) => saveSingleFile(p, path, { dtype }));
        assert.deepEqual(await describedTensors(path), originalFiles[family].tensors);
        await withPipeline(loadPipeline(path, { config: source }), (p) =>
          savePipeline(p, again, { dtype }),
        );
        assert.deepEqual(await describedFolder(again), await describedFolder(source));
        assert.equal(tensorCount(), before);
      }));

  it('is read with what training programs leave in it, which is named', () =>
    inTemporaryFolder(async (folder) => {
      const left = [
        'model_ema.diffusion_modelinput_blocks00weight',
        'alphas_cumprod_prev',
        'sqrt_recipm1_alphas_cumprod',
        'log_one_minus_alphas_cumprod',
        'betas',
        'cond_stage_model.model.logit_scale',
        'cond_stage_model.model.text_projection',
        // the last block of the text encoder, whose states are not read
        'cond_stage_model.model.transformer.resblocks.2.ln_1.weight',
      ];
      const path = await changedFile(folder, 'sd2', (tensors) => [...tensors, ...left.map(extra)]);
      const config = originalFolder(originalFiles.sd2);
      await withPipeline(loadPipeline(path, { config }), async ({ textEncoder }) =>
        assert.equal(textEncoder.config.layers, 2),
      );
    }));

  it('is read under the names of old versions of transformers, and with attention that is linear', () =>
    inTemporaryFolder(async (folder) => {
      const path = await changedFile(folder, 'sd1', (tensors) =>
        tensors.map((tensor) => {
          const name = tensor.name.replace('.transformer.text_model.', '.transformer.');
          const isLinear = /attn_1\.(q|k|v|proj_out)\.weight$/.test(name);
          return { ...tensor, name, shape: isLinear ? tensor.shape.slice(0, 2) : tensor.shape };
        }),
      );
      const config = originalFolder(originalFiles.sd1);
      const again = join(folder, 'again');
      await withPipeline(loadPipeline(path, { config }), (p) => savePipeline(p, again));
      assert.deepEqual(await describedFolder(again), await describedFolder(config));
    }));

  function refuses(
    fault: string,
    family: Family,
    reason: RegExp,
    change: (t: readonly TensorToWrite[]) => readonly TensorToWrite[],
  ) {
    it(`is refused: ${fault}`, () =>
      inTemporaryFolder(async (folder) => {
        const path = await changedFile(folder, family, change);
        const before = tensorCount();
        const config = originalFolder(originalFiles[family]);
        await assert.rejects(loadPipeline(path, { config }), reason);
        assert.equal(tensorCount(), before, 'weights left in memory');
      }));
  }

  const without = (name: string) => (tensors: readonly TensorToWrite[]) =>
    tensors.filter((tensor) => !tensor.name.startsWith(name));

  refuses(
    'a tensor that nothing reads',
    'sd1',
    /nothing in the model reads control_model\.x/,
    (t) => [...t, extra('control_model.x')],
  );
  refuses('a second spare block', 'sd2', /nothing in the model reads .*resblocks\.3\./, (t) => [
    ...t,
    extra('cond_stage_model.model.transformer.resblocks.3.ln_1.weight'),
  ]);
  refuses(
    'a tensor is missing',
    'refiner',
    /"text_model\.encoder\.layers\.0\.self_attn\.k_proj\.bias" is missing/,
    without('conditioner.embedders.0.model.transformer.resblocks.0.attn.in_proj_bias'),
  );
  refuses('no autoencoder', 'sdxl', /has no autoencoder/, without('first_stage_model.'));
  refuses(
    'no text encoder',
    'sd1',
    /no text encoder of a known place/,
    without('cond_stage_model.'),
  );
  refuses(
    'a third of another shape',
    'sd2',
    /in_proj|q_proj\.bias" has the shape \[35\]/,
    (tensors) =>
      tensors.map((tensor) =>
        tensor.name.endsWith('resblocks.0.attn.in_proj_bias')
          ? { ...tensor, shape: [35], data: new Float32Array(35) }
          : tensor,
      ),
  );
});
