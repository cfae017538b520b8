import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage, type RgbImage } from '../../src/data';
import { readPngText } from '../../src/data/read-png-text';
import { generateImages } from '../../src/diffusion';
import { tensorCount } from '../../src/engine';
import { disposePipeline, loadPipeline } from '../../src/hub';
import type { UNet } from '../../src/models';
import { strip, validator, writeStrip } from '../../src/training/validation';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const plain = (width: number, values: readonly number[]): RgbImage => ({
  width,
  height: values.length / (3 * width),
  data: Uint8Array.from(values),
});

describe('validator', () => {
  it('draws base and policy at the same seeds, one for each prompt, and the base once', async () => {
    const pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
    const parameters = pipeline.unet.parameters.clone();
    const policy: UNet = { ...pipeline.unet, parameters, p: parameters.tree() };
    const before = tensorCount();
    const options = { numInferenceSteps: 2, guidanceScale: 3, height: 16, width: 16 };
    const draw = validator(pipeline, { prompts: ['a cat', 'a hat'], seed: 4, ...options });

    const same = draw(policy);
    assert.deepEqual(
      same.map(({ prompt, seed }) => [prompt, seed]),
      [
        ['a cat', 4],
        ['a hat', 5],
      ],
    );
    assert.deepEqual(same[1]?.policy, same[1]?.base);
    const [alone] = generateImages(pipeline, { prompt: 'a hat', seed: 5, ...options });
    assert.deepEqual(same[1]?.base, alone);

    parameters.write('conv_out.bias', Float32Array.of(1, 1, 1, 1));
    const changed = draw(policy);
    assert.equal(changed[0]?.base, same[0]?.base, 'the very same picture');
    assert.notDeepEqual(changed[0]?.policy, changed[0]?.base);
    assert.equal(tensorCount(), before);
    parameters.dispose();
    disposePipeline(pipeline);
  });
});

describe('strip', () => {
  const base = plain(1, [1, 2, 3, 4, 5, 6]); // two rows of one pixel
  const policy = plain(2, [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]);
  const picture = { prompt: 'Grün', seed: 7, base, policy };

  it('puts the base on the left', () => {
    const joined = [1, 2, 3, 11, 12, 13, 14, 15, 16, 4, 5, 6, 17, 18, 19, 20, 21, 22];
    assert.deepEqual(strip(picture), plain(3, joined));
  });

  it('is written as a PNG that says what it shows', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'x.png');
      await writeStrip(path, picture, 12);
      const bytes = readFileSync(path);
      assert.deepEqual(await decodeImage(bytes), strip(picture));
      const text = { prompt: 'Grün', seed: '7', step: '12', pictures: 'base, policy' };
      assert.deepEqual(Object.fromEntries(readPngText(bytes)), text);
    }));
});
