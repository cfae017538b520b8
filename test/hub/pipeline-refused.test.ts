import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import {
  disposePipeline,
  loadPipeline,
  openSafetensors,
  savePipeline,
  writeSafetensors,
} from '../../src/hub';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const TODAY = fixturePath('pipelines', 'tiny-sd');

describe('a pipeline folder that cannot be trusted', () => {
  /** Copies the tiny pipeline, spoils it, and expects loading to say why it is refused. */
  function refuses(fault: string, reason: RegExp, spoil: (dir: string) => unknown) {
    it(`is refused: ${fault}`, () =>
      inTemporaryFolder(async (folder) => {
        const dir = join(folder, 'model');
        cpSync(TODAY, dir, { recursive: true });
        await spoil(dir);
        const tensors = tensorCount();
        await assert.rejects(loadPipeline(dir), reason);
        assert.equal(tensorCount(), tensors, 'weights left in memory');
      }));
  }

  const editJson = (path: string, change: (json: Record<string, unknown>) => unknown) => {
    const json = JSON.parse(readFileSync(path, 'utf8'));
    change(json);
    writeFileSync(path, JSON.stringify(json));
  };
  const inIndex = (change: (json: Record<string, unknown>) => unknown) => (dir: string) =>
    editJson(join(dir, 'model_index.json'), change);
  const inUnet = (change: (json: Record<string, unknown>) => unknown) => (dir: string) =>
    editJson(join(dir, 'unet', 'config.json'), change);

  refuses(
    'another pipeline',
    /model_index\.json: its class is "StableDiffusionInpaintPipeline"/,
    inIndex((x) => {
      x._class_name = 'StableDiffusionInpaintPipeline';
    }),
  );
  refuses(
    'no UNet',
    /model_index\.json: "unet" is missing/,
    inIndex((x) => {
      x.unet = [null, null];
    }),
  );
  refuses(
    'another class',
    /"vae" is a AutoencoderTiny; supported: AutoencoderKL/,
    inIndex((x) => {
      x.vae = ['diffusers', 'AutoencoderTiny'];
    }),
  );
  refuses(
    'an unknown part',
    /the part "text_encoder_2" \(CLIPTextModel\) is not supported/,
    inIndex((x) => {
      x.text_encoder_2 = ['transformers', 'CLIPTextModel'];
    }),
  );
  refuses(
    'an unknown field that may change the maths',
    /unet.config\.json: .*"new_trick"/,
    inUnet((x) => {
      x.new_trick = 2;
    }),
  );
  refuses(
    'a field with another meaning',
    /unet.config\.json: .*"time_embedding_type"/,
    inUnet((x) => {
      x.time_embedding_type = 'fourier';
    }),
  );
  refuses(
    'a billion layers',
    /"layers_per_block" asks for 1000000000 layers/,
    inUnet((x) => {
      x.layers_per_block = 1e9;
    }),
  );
  refuses(
    'a missing file',
    /vae.diffusion_pytorch_model\.safetensors: there is no such file/,
    (dir) => rmSync(join(dir, 'vae', 'diffusion_pytorch_model.safetensors')),
  );
  refuses(
    'a scheduler without a class',
    /scheduler_config\.json: it does not name its class/,
    (dir) => writeFileSync(join(dir, 'scheduler', 'scheduler_config.json'), '{}'),
  );
  refuses(
    'a token beyond the embedding',
    /tokenizer: it makes the id 999, but the text encoder knows 541/,
    (dir) =>
      editJson(join(dir, 'tokenizer', 'tokenizer.json'), ({ model }) => {
        (model as { vocab: Record<string, number> }).vocab.zzz = 999;
      }),
  );

  const shards = (name: unknown) => (dir: string) => {
    rmSync(join(dir, 'unet', 'diffusion_pytorch_model.safetensors'));
    const index = { weight_map: { 'conv_in.weight': name } };
    writeFileSync(
      join(dir, 'unet', 'diffusion_pytorch_model.safetensors.index.json'),
      JSON.stringify(index),
    );
  };
  for (const name of [
    '../vae/x.safetensors',
    '/etc/passwd',
    'a/b.safetensors',
    '..\\x.safetensors',
    '%2e%2e.safetensors',
    '.x.safetensors',
    'x.safetensors\u0000',
    7,
  ]) {
    refuses(
      `an index that points to ${JSON.stringify(name)}`,
      /is no plain name of a safetensors file/,
      shards(name),
    );
  }

  it('names every weight that is missing, in excess or of another shape', () =>
    inTemporaryFolder(async (folder) => {
      const dir = join(folder, 'model');
      cpSync(TODAY, dir, { recursive: true });
      const path = join(dir, 'unet', 'diffusion_pytorch_model.safetensors');
      const file = await openSafetensors(path);
      const tensors = await Promise.all(
        [...file.entries.values()].map(async ({ name, dtype, shape }) => ({
          name,
          dtype,
          shape,
          data: await file.read(name),
        })),
      );
      await file.close();
      const spoiled = tensors
        .filter(({ name }) => name !== 'conv_in.bias')
        .map((t) => (t.name === 'conv_out.weight' ? { ...t, shape: [16, 4, 3, 3] } : t));
      const extra = {
        name: 'lora.up',
        dtype: 'F32',
        shape: [1],
        data: new Float32Array(1),
      } as const;
      await writeSafetensors(path, [...spoiled, extra]);
      await assert.rejects(loadPipeline(dir), (error: Error) => {
        assert.match(error.message, /unet.diffusion_pytorch_model\.safetensors: /);
        assert.match(error.message, /weight "conv_in\.bias" is missing; the model expects \[16\]/);
        assert.match(
          error.message,
          /weight "conv_out\.weight" has the shape \[16,4,3,3\]; the model expects \[4,16,3,3\]/,
        );
        assert.match(error.message, /weight "lora\.up" is not part of the model/);
        return true;
      });
    }));

  it('notices a flipped bit anywhere in the weights that we wrote', () =>
    inTemporaryFolder(async (folder) => {
      const dir = join(folder, 'model');
      const pipeline = await loadPipeline(TODAY);
      await savePipeline(pipeline, dir);
      disposePipeline(pipeline);
      const path = join(dir, 'vae', 'diffusion_pytorch_model.safetensors');
      const whole = readFileSync(path);
      for (const place of [0.5, 0.7, 0.999]) {
        const damaged = Buffer.from(whole);
        const at = Math.floor(whole.length * place);
        damaged[at] = (damaged[at] as number) ^ 4;
        writeFileSync(path, damaged);
        await assert.rejects(
          loadPipeline(dir),
          /vae.diffusion_pytorch_model\.safetensors: it is damaged/,
        );
      }
    }));
});
