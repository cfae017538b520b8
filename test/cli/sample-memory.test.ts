import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawToFiles } from '../../src/cli/draw';
import { sampleArgs } from '../../src/cli/sample-args';
import { decodeImage } from '../../src/data/image';
import { readPngText } from '../../src/data/read-png-text';
import { assertClose } from '../support/assert';
import { fixturePath, fixtureTensor, tensorFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

describe('npm run sample, with the flags that save memory', () => {
  it("draws the pictures of diffusers' tiled and sliced autoencoder, and notes the tiles", () =>
    inTemporaryFolder(async (folder) => {
      const model = fixturePath('pipelines', 'tiny-sd');
      const argv = ['--model', model, '--prompt', 'a red cat', '--output', join(folder, 'a.png')];
      const size = '--seed 7 --steps 2 --height 24 --width 40 --num_images 2'.split(' ');
      const memory = ['--vae_tiling', '--vae_slicing', '--attention_slicing'];
      const paths = await drawToFiles(sampleArgs([...argv, ...size, ...memory]));
      const files = paths.map((path) => readFileSync(path));
      const images = await Promise.all(files.map((file) => decodeImage(file)));
      const expected = fixtureTensor(tensorFixture('models', 'tiles.safetensors'), 'drawn');
      assertClose(
        images.flatMap(({ data }) => [...data]),
        expected.data,
        { atol: 1, rtol: 0, label: 'level' },
      );
      for (const file of files)
        assert.equal(JSON.parse(readPngText(file).get('settings') ?? '').vae_tiling, 'model');
    }));
});
