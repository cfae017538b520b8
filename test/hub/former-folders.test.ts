/** Folders as diffusers 0.2 to 0.14 wrote them, against what diffusers of today makes of them. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateImages } from '../../src/diffusion';
import { pipelineScheduler } from '../../src/diffusion/pipeline-scheduler';
import { samplePlan } from '../../src/diffusion/sample-plan';
import { disposePipeline, loadPipeline, openSafetensors, writeSafetensors } from '../../src/hub';
import { assertClose } from '../support/assert';
import { fixturePath, jsonFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

interface Case {
  readonly version: string;
  /** Fields that the configs had. */
  readonly unet: readonly string[];
  readonly vae: readonly string[];
  /** Names in the autoencoder's attention. */
  readonly attention: 'query' | 'to_q';
  /** What the names of blocks begin with. */
  readonly blocks?: string;
  readonly scheduler: { readonly _class_name: string };
  readonly loaded: {
    readonly steps_offset: number;
    readonly clip_sample: boolean | null;
    /** Of the latents, where nobody says another. */
    readonly side: number;
    /** [16, 16, 3], hex. */
    readonly pixels: string;
  };
}

const { cases } = jsonFixture<{ cases: Record<string, Case> }>('former.json');
const OLD = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' } as const;

type Json = Record<string, unknown>;

function rewrite(path: string, change: (json: Json) => Json): void {
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
}

/** As make_former.py makes it. */
async function makeFolder(
  folder: string,
  { version, blocks = '', attention, scheduler, ...fields }: Case,
) {
  cpSync(fixturePath('pipelines', 'tiny-sd'), folder, { recursive: true });
  for (const part of ['unet', 'vae'] as const)
    rewrite(join(folder, part, 'config.json'), (json) => ({
      ...Object.fromEntries(
        fields[part].flatMap((name) => (name in json ? [[name, json[name]]] : [])),
      ),
      down_block_types: (json.down_block_types as string[]).map((type) => blocks + type),
      up_block_types: (json.up_block_types as string[]).map((type) => blocks + type),
      _diffusers_version: version,
    }));
  writeFileSync(join(folder, 'scheduler', 'scheduler_config.json'), JSON.stringify(scheduler));
  const kind = ['diffusers', scheduler._class_name];
  rewrite(join(folder, 'model_index.json'), (json) => ({ ...json, scheduler: kind }));
  if (attention === 'query') await renameAttention(join(folder, 'vae'));
}

async function renameAttention(folder: string): Promise<void> {
  const [path, before] = ['diffusion_pytorch_model.safetensors', 'before.st'].map((name) =>
    join(folder, name),
  ) as [string, string];
  renameSync(path, before);
  const file = await openSafetensors(before);
  const oldName = (name: string) =>
    Object.entries(OLD).reduce((text, [now, old]) => text.replace(`.${now}.`, `.${old}.`), name);
  const tensors = [...file.entries.values()].map(async (entry) => ({
    ...entry,
    name: entry.name.includes('.attentions.') ? oldName(entry.name) : entry.name,
    data: await file.read(entry.name),
  }));
  await writeSafetensors(path, await Promise.all(tensors));
  await file.close();
}

describe('folders of former versions of diffusers', () => {
  for (const [name, made] of Object.entries(cases))
    it(`draw as they do there today: ${name}`, () =>
      inTemporaryFolder(async (root) => {
        const folder = join(root, 'model');
        await makeFolder(folder, made);
        const pipeline = await loadPipeline(folder);
        const { steps_offset, clip_sample, side, pixels } = made.loaded;
        const scheduler = pipelineScheduler(pipeline.scheduler);
        assert.equal(scheduler.steps_offset, steps_offset);
        assert.equal(scheduler.clip_sample, clip_sample ?? false);
        const { shape } = samplePlan(pipeline, { prompt: '' });
        assert.deepEqual(shape.slice(1, 3), [side, side]);
        const asked = { prompt: 'a red cat', seed: 3, numInferenceSteps: 4, height: 16, width: 16 };
        const [picture] = generateImages(pipeline, asked);
        disposePipeline(pipeline);
        assertClose(picture?.data ?? [], Buffer.from(pixels, 'hex'), { atol: 1, rtol: 0 });
      }));

  it('are refused where a field that is gone meant something else', () =>
    inTemporaryFolder(async (root) => {
      for (const [field, value] of [
        ['predict_epsilon', false],
        ['timestep_values', [3, 2, 1]],
        ['tensor_format', 'jax'],
      ] as const) {
        const folder = join(root, field);
        const made = Object.values(cases)[0] as Case;
        await makeFolder(folder, { ...made, scheduler: { ...made.scheduler, [field]: value } });
        const pipeline = await loadPipeline(folder);
        assert.throws(() => samplePlan(pipeline, { prompt: '' }), new RegExp(`"${field}" is `));
        disposePipeline(pipeline);
      }
    }));
});
