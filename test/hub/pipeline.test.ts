import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  disposePipeline,
  loadPipeline,
  openSafetensors,
  type Pipeline,
  savePipeline,
  writeSafetensors,
} from '../../src/hub';
import { fixturePath, tensorFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const TODAY = fixturePath('pipelines', 'tiny-sd');
const OLD = fixturePath('pipelines', 'tiny-sd-2023');

/** The weight files of a saved pipeline. */
const PARTS = [
  ['unet', 'diffusion_pytorch_model.safetensors'],
  ['vae', 'diffusion_pytorch_model.safetensors'],
  ['text_encoder', 'model.safetensors'],
] as const;

async function withPipeline<T>(
  dir: string,
  use: (pipeline: Pipeline) => Promise<T> | T,
): Promise<T> {
  const pipeline = await loadPipeline(dir);
  try {
    return await use(pipeline);
  } finally {
    disposePipeline(pipeline);
  }
}

/** Every tensor of a folder's files as raw bytes, under today's names with the `text_model.` prefix. */
async function rawTensors(dir: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const [part, file] of PARTS) {
    const plain = join(dir, part, file);
    const bytes = readFileSync(existsSync(plain) ? plain : plain.replace('.safe', '.fp16.safe'));
    const start = 8 + Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    for (const [name, { data_offsets }] of Object.entries(header)) {
      if (name === '__metadata__' || name.endsWith('position_ids')) continue;
      const [from, to] = data_offsets;
      all.set(
        `${part}/${todaysName(part, name)}`,
        bytes.toString('base64', start + from, start + to),
      );
    }
  }
  return all;
}

function todaysName(part: string, name: string): string {
  if (part === 'text_encoder') return `text_model.${name.replace(/^text_model\./, '')}`;
  const renamed = Object.entries({
    query: 'to_q',
    key: 'to_k',
    value: 'to_v',
    proj_attn: 'to_out.0',
  });
  return renamed.reduce((n, [old, now]) => n.replace(`.${old}.`, `.${now}.`), name);
}

describe('loadPipeline', () => {
  it('puts convolutions into the engine’s layout and leaves the rest alone', () =>
    withPipeline(TODAY, ({ unet, vae, textEncoder }) => {
      const file = tensorFixture(
        'pipelines',
        'tiny-sd',
        'unet',
        'diffusion_pytorch_model.safetensors',
      );
      const stored = file.get('conv_in.weight');
      const [O, I, H, W] = [16, 4, 3, 3];
      assert.deepEqual(stored?.shape, [O, I, H, W]);
      assert.deepEqual(unet.parameters.shape('conv_in.weight'), [H, W, I, O]);
      const ours = unet.parameters.read('conv_in.weight');
      for (const [o, i, h, w] of [
        [0, 0, 0, 0],
        [15, 3, 2, 2],
        [7, 1, 0, 2],
        [3, 2, 2, 0],
      ] as const) {
        const torch: number | undefined = stored?.data[((o * I + i) * H + h) * W + w];
        assert.equal(ours[((h * W + w) * I + i) * O + o], torch);
      }
      const linear = file.get('time_embedding.linear_1.weight');
      assert.deepEqual(unet.parameters.read('time_embedding.linear_1.weight'), linear?.data);
      assert.equal(unet.p.conv_in.bias, unet.parameters.tensor('conv_in.bias'));
      assert.equal(vae.config.scalingFactor, 0.18215);
      assert.equal(textEncoder.config.hiddenSize, 32);
    }));

  it('reads what transformers 4 and diffusers 0.17 wrote: names, fp16 files, tokenizer', () =>
    withPipeline(OLD, async ({ unet, textEncoder, tokenizer }) => {
      await withPipeline(TODAY, (today) => {
        assert.deepEqual(tokenizer.encode(['a cat']), today.tokenizer.encode(['a cat']));
        for (const [old, now] of [
          [unet, today.unet],
          [textEncoder, today.textEncoder],
        ] as const) {
          assert.deepEqual(old.parameters.names, now.parameters.names);
          for (const name of old.parameters.names) {
            const [a, b] = [old.parameters.read(name), now.parameters.read(name)];
            a.forEach((x, i) => {
              assert.ok(
                Math.abs(x - Number(b[i])) <= 2 ** -11 * Math.abs(Number(b[i])) + 2 ** -25,
                name,
              );
            });
          }
        }
      });
    }));

  it('reads a model whose weights are spread over several files', () =>
    inTemporaryFolder(async (folder) => {
      const dir = join(folder, 'model');
      cpSync(TODAY, dir, { recursive: true });
      const stem = join(dir, 'vae', 'diffusion_pytorch_model');
      const file = await openSafetensors(`${stem}.safetensors`);
      const tensors = await Promise.all(
        [...file.entries.values()].map(async ({ name, dtype, shape }) => ({
          ...{ name, dtype, shape },
          data: await file.read(name),
        })),
      );
      await file.close();
      rmSync(`${stem}.safetensors`);
      const map: Record<string, string> = {};
      for (const [i, half] of [tensors.slice(0, 50), tensors.slice(50)].entries()) {
        await writeSafetensors(`${stem}-0000${i + 1}-of-00002.safetensors`, half);
        for (const { name } of half) {
          map[name] = `diffusion_pytorch_model-0000${i + 1}-of-00002.safetensors`;
        }
      }
      writeFileSync(`${stem}.safetensors.index.json`, JSON.stringify({ weight_map: map }));
      await withPipeline(dir, ({ vae }) =>
        withPipeline(TODAY, (whole) => {
          for (const name of vae.parameters.names) {
            assert.deepEqual(vae.parameters.read(name), whole.vae.parameters.read(name), name);
          }
        }),
      );
    }));

  it('takes denoiser and autoencoder from other folders where it is told to', () =>
    inTemporaryFolder(async (folder) => {
      await withPipeline(TODAY, async (pipeline) => {
        for (const part of ['unet', 'vae'] as const) {
          const { parameters } = pipeline[part];
          const [name = ''] = parameters.names;
          parameters.write(name, parameters.read(name).fill(part === 'vae' ? 2 : 3));
        }
        await savePipeline(pipeline, join(folder, 'other'));
      });
      const parts = { unet: join(folder, 'other', 'unet'), vae: join(folder, 'other', 'vae') };
      const pipeline = await loadPipeline(TODAY, parts);
      const first = ({ parameters }: Pipeline['unet' | 'vae']) =>
        parameters.read(parameters.names[0] ?? '')[0];
      assert.equal(first(pipeline.unet), 3);
      assert.equal(first(pipeline.vae), 2);
      disposePipeline(pipeline);
    }));

  it('follows links, as in the hub’s cache', () =>
    inTemporaryFolder(async (folder) => {
      cpSync(TODAY, join(folder, 'model'), { recursive: true });
      const file = join(folder, 'model', 'unet', 'diffusion_pytorch_model.safetensors');
      rmSync(file);
      symlinkSync(join(TODAY, 'unet', 'diffusion_pytorch_model.safetensors'), file);
      await withPipeline(join(folder, 'model'), () => undefined);
    }));
});

describe('savePipeline', () => {
  it('keeps every tensor bit for bit, float32 as float32 and float16 as float16', () =>
    inTemporaryFolder(async (folder) => {
      for (const [source, dtype] of [
        [TODAY, 'F32'],
        [OLD, 'F16'],
      ] as const) {
        const saved = join(folder, dtype);
        await withPipeline(source, (pipeline) => savePipeline(pipeline, saved, { dtype }));
        assert.deepEqual(await rawTensors(saved), await rawTensors(source));
      }
    }));

  it('keeps configs, index and tokenizer, and names the dtype that it wrote', () =>
    inTemporaryFolder(async (folder) => {
      const saved = join(folder, 'saved');
      await withPipeline(OLD, (pipeline) => savePipeline(pipeline, saved));
      const json = (dir: string, ...names: string[]) =>
        JSON.parse(readFileSync(join(dir, ...names), 'utf8'));
      for (const part of ['unet', 'vae']) {
        assert.deepEqual(json(saved, part, 'config.json'), json(OLD, part, 'config.json'));
      }
      assert.deepEqual(json(saved, 'text_encoder', 'config.json'), {
        ...json(OLD, 'text_encoder', 'config.json'),
        torch_dtype: 'float32',
      });
      const written = readFileSync(join(saved, 'text_encoder', 'config.json'), 'utf8');
      assert.match(written, /"initializer_factor": 1\.0,/); // transformers 5 refuses 1
      const scheduler = ['scheduler', 'scheduler_config.json'];
      assert.deepEqual(json(saved, ...scheduler), json(OLD, ...scheduler));
      assert.deepEqual(json(saved, 'model_index.json'), json(OLD, 'model_index.json'));
      assert.deepEqual(readdirSync(folder), ['saved']);
    }));

  it('leaves an existing folder alone unless it is told to replace it', () =>
    inTemporaryFolder(async (folder) => {
      const saved = join(folder, 'saved');
      await withPipeline(TODAY, async (pipeline) => {
        await savePipeline(pipeline, saved);
        writeFileSync(join(saved, 'mine.txt'), 'x');
        await assert.rejects(
          savePipeline(pipeline, saved),
          /saved exists already; it is not overwritten/,
        );
        assert.ok(existsSync(join(saved, 'mine.txt')));
        await savePipeline(pipeline, saved, { existing: 'replace' });
        assert.deepEqual(readdirSync(folder), ['saved']);
        assert.ok(!existsSync(join(saved, 'mine.txt')));
      });
    }));

  it('merges into a folder: its own parts are new, all else is as it was', () =>
    inTemporaryFolder(async (folder) => {
      const saved = join(folder, 'saved');
      await withPipeline(TODAY, async (pipeline) => {
        await savePipeline(pipeline, saved);
        writeFileSync(join(saved, 'mine.txt'), 'x');
        writeFileSync(join(saved, 'unet', 'stale.safetensors'), 'x');
        pipeline.unet.parameters.write('conv_in.bias', new Float32Array(16).fill(3));
        await savePipeline(pipeline, saved, { existing: 'merge' });
      });
      assert.equal(readFileSync(join(saved, 'mine.txt'), 'utf8'), 'x');
      assert.ok(!existsSync(join(saved, 'unet', 'stale.safetensors')));
      assert.ok(!readdirSync(saved).some((name) => name.endsWith('.incomplete')));
      await withPipeline(saved, ({ unet }) => {
        assert.deepEqual([...unet.parameters.read('conv_in.bias')], Array(16).fill(3));
      });
    }));

  it('refuses to write a weight that float16 cannot hold, and leaves nothing behind', () =>
    inTemporaryFolder(async (folder) => {
      await withPipeline(TODAY, async (pipeline) => {
        const { parameters } = pipeline.unet;
        parameters.write('conv_in.bias', parameters.read('conv_in.bias').fill(65520));
        const saved = savePipeline(pipeline, join(folder, 'x'), { dtype: 'F16' });
        await assert.rejects(saved, /"conv_in\.bias" holds 65520, which float16 cannot/);
      });
      assert.deepEqual(readdirSync(folder), []);
    }));
});
