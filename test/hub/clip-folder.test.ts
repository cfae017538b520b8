import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensor } from '../../src/engine';
import { type ClipFolder, loadClipModel, readImageProcessor, saveClipModel } from '../../src/hub';
import { textEmbeds } from '../../src/models';
import { fixturePath, tensorFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const TODAY = fixturePath('pipelines', 'tiny-clip');
const OLD = fixturePath('pipelines', 'tiny-clip-2022');

async function withClip<T>(dir: string, use: (folder: ClipFolder) => Promise<T> | T): Promise<T> {
  const folder = await loadClipModel(dir);
  try {
    return await use(folder);
  } finally {
    folder.model.parameters.dispose();
  }
}

function embed({ model, tokenizer }: ClipFolder, text: string): Float32Array {
  const { inputIds, length } = tokenizer.encode([text]);
  const { raw, normalised } = textEmbeds(model, tensor(inputIds, [1, length], 'int32'));
  const result = normalised.floats();
  for (const t of [raw, normalised]) t.dispose();
  return result;
}

describe('loadClipModel', () => {
  it('reads the folders of transformers 4 and 5 as the same model', () =>
    withClip(TODAY, (today) =>
      withClip(OLD, (old) => {
        assert.deepEqual(embed(old, 'a red cat'), embed(today, 'a red cat'));
        const { json: _now, ...now } = today.imageProcessor;
        const { json: _then, ...then } = old.imageProcessor;
        assert.deepEqual(then, now);
        assert.deepEqual([now.shortestEdge, now.cropWidth, now.resample], [32, 32, 'bicubic']);
        assert.deepEqual(now.imageStd, [0.26862954, 0.26130258, 0.27577711]);
      }),
    ));
});

describe('saveClipModel', () => {
  it('keeps every tensor, the tokenizer and the image processor', () =>
    inTemporaryFolder(async (folder) => {
      const saved = join(folder, 'clip');
      const before = await withClip(TODAY, async (clip) => {
        await saveClipModel(clip, saved);
        await assert.rejects(saveClipModel(clip, saved), /exists already/);
        return embed(clip, 'the dog');
      });
      assert.deepEqual(await withClip(saved, (clip) => embed(clip, 'the dog')), before);
      const original = tensorFixture('pipelines', 'tiny-clip', 'model.safetensors');
      await withClip(saved, ({ model, imageProcessor }) => {
        assert.deepEqual([...model.parameters.names].sort(), [...original.keys()].sort());
        assert.equal(model.parameters.read('logit_scale')[0], original.get('logit_scale')?.data[0]);
        assert.equal(imageProcessor.cropHeight, 32);
      });
    }));
});

describe('readImageProcessor', () => {
  const good = { size: 8, crop_size: 8, image_mean: [0, 0, 0], image_std: [1, 1, 1] };
  const cases: readonly (readonly [string, object, RegExp])[] = [
    ['a skipped step', { ...good, do_resize: false }, /"do_resize" false is not supported/],
    ['another filter', { ...good, resample: 0 }, /"resample" 0 is not supported/],
    ['a huge picture', { ...good, size: 1e6 }, /"size" must be 1 to 4096 pixels; got 1000000/],
    [
      'two channels',
      { ...good, image_mean: [0, 0] },
      /"image_mean" must be three numbers; got \[0,0\]/,
    ],
  ];
  for (const [fault, json, reason] of cases) {
    it(`refuses ${fault}`, () =>
      inTemporaryFolder(async (folder) => {
        writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(json));
        await assert.rejects(readImageProcessor(folder), reason);
      }));
  }
});
