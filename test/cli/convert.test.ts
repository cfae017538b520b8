import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertArgs } from '../../src/cli/convert-args';
import { convertModel } from '../../src/cli/convert-model';
import { loraArg } from '../../src/cli/lora-arg';
import { tensorCount } from '../../src/engine';
import {
  disposePipeline,
  LORA_FILE,
  loadLora,
  loadPipeline,
  mergeLoraFile,
  openSafetensors,
} from '../../src/hub';
import { familyPath } from '../support/families';
import { fixturePath } from '../support/fixtures';
import { describedFolder, describedTensors } from '../support/single-file';
import { inTemporaryFolder } from '../support/temporary';

const convert = (...argv: readonly string[]) => convertModel(convertArgs(argv));

describe('npm run convert', () => {
  it('makes a file of a folder, and a folder of the file, bit for bit', () =>
    inTemporaryFolder(async (folder) => {
      const before = tensorCount();
      const [source, file, again] = [
        familyPath('turbo'),
        join(folder, 'a.safetensors'),
        join(folder, 'b'),
      ];
      await convert(source, file);
      await convert(file, again, '--config', source);
      assert.deepEqual(await describedFolder(again), await describedFolder(source));
      assert.equal(tensorCount(), before);
      await assert.rejects(convert(source, file), /a\.safetensors exists.*not overwritten/);
      await assert.rejects(convert(source, again), /b exists/);
    }));

  it('writes the element type and the names that are asked for', () =>
    inTemporaryFolder(async (folder) => {
      const out = join(folder, 'out');
      await convert(familyPath('sd2'), out, '--dtype', 'BF16', '--save_variant', 'bf16');
      assert.ok(
        readdirSync(join(out, 'unet')).includes('diffusion_pytorch_model.bf16.safetensors'),
      );
      const file = await openSafetensors(
        join(out, 'vae', 'diffusion_pytorch_model.bf16.safetensors'),
      );
      assert.deepEqual(
        new Set([...file.entries.values()].map(({ dtype }) => dtype)),
        new Set(['BF16']),
      );
      await file.close();
    }));

  it('adds adapters, each by its scale', () =>
    inTemporaryFolder(async (folder) => {
      const [source, out] = [familyPath('sd2'), join(folder, 'out.safetensors')];
      const kohya = fixturePath('lora', 'kohya-sd2.safetensors');
      await convert(source, out, '--dtype', 'F32', '--lora', `${kohya}:0.5`, '--lora', kohya);
      const pipeline = await loadPipeline(source);
      await mergeLoraFile(pipeline, kohya, { scale: 0.5 });
      await mergeLoraFile(pipeline, kohya, { scale: 1 });
      const merged = await loadPipeline(out, { config: source });
      const { names } = pipeline.unet.parameters;
      for (const name of names)
        assert.deepEqual(
          merged.unet.parameters.read(name),
          pipeline.unet.parameters.read(name),
          name,
        );
      for (const loaded of [pipeline, merged]) disposePipeline(loaded);
    }));

  it('extracts an adapter that diffusers’ reader loads', () =>
    inTemporaryFolder(async (folder) => {
      const [base, tuned, out] = [familyPath('sd2'), join(folder, 'tuned'), join(folder, 'lora')];
      await convert(
        base,
        tuned,
        '--dtype',
        'F32',
        '--lora',
        fixturePath('lora', 'kohya-sd2.safetensors'),
      );
      await convert(tuned, out, '--extract_lora', '2', '--base', base);
      const pipeline = await loadPipeline(base);
      const { adapter, config } = await loadLora(out, pipeline.unet);
      assert.deepEqual([config.rank, config.alpha], [2, 2]);
      const found = Object.keys(await describedTensors(join(out, LORA_FILE)));
      assert.equal(found.length, adapter.names.length);
      adapter.dispose();
      disposePipeline(pipeline);
    }));

  it('leaves nothing behind where it fails', () =>
    inTemporaryFolder(async (folder) => {
      writeFileSync(join(folder, 'bad.safetensors'), 'no model');
      const out = join(folder, 'out');
      await assert.rejects(convert(join(folder, 'bad.safetensors'), out), /bad\.safetensors/);
      assert.ok(!existsSync(out));
      assert.deepEqual(readdirSync(folder), ['bad.safetensors']);
    }));
});

describe('loraArg', () => {
  it('is a path, and a scale behind a colon', () => {
    assert.deepEqual(loraArg('a/b.safetensors'), { path: 'a/b.safetensors', scale: 1 });
    assert.deepEqual(loraArg('x:-0.5'), { path: 'x', scale: -0.5 });
    assert.deepEqual(loraArg('owner/name:1e-1'), { path: 'owner/name', scale: 0.1 });
    for (const wrong of ['', ':1', 'x:', 'x:1.2.3'])
      assert.throws(() => loraArg(wrong), /PATH or PATH:SCALE/, wrong);
  });
});
