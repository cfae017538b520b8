import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeImage } from '../../../src/data/image';
import { readPngText } from '../../../src/data/read-png-text';
import { assertClose } from '../../support/assert';
import { familyPath } from '../../support/families';
import { fixtureTensor, tensorFixture } from '../../support/fixtures';
import { inTemporaryFolder } from '../../support/temporary';

const root = resolve(__dirname, '..', '..', '..');
const pictures = tensorFixture('families', 'pictures.safetensors');

const TO_REFINER = [
  ...['--refiner', familyPath('refiner'), '--refiner_start', '0.7', '--steps', '10'],
  ...['--scheduler', 'ddim', '--negative_prompt', 'a blue dog and a pa!'],
] as const;

describe('npm run sample, of other families', () => {
  for (const [testCase, model, prompt, flags, scale] of [
    ['sd2', 'sd2', 'the red cat in a house', ['--guidance_scale', '5'], 5],
    ['sdxl, euler', 'sdxl', 'the red cat in a house', [], 5],
    ['turbo, four steps', 'turbo', 'the red cat in a house', ['--guidance_scale', '0'], 0],
    ['sdxl, to the refiner', 'sdxl', 'the red cat in a house', TO_REFINER, 5],
  ] as const)
    it(`draws diffusers' picture within one level: ${testCase}`, () =>
      inTemporaryFolder(async (folder) => {
        const output = join(folder, 'out.png');
        const argv = ['--import', 'tsx', join('src', 'cli', 'sample.ts')];
        const { status, stderr } = spawnSync(
          process.execPath,
          [
            ...argv,
            ...['--model', familyPath(model), '--prompt', prompt, '--seed', '7', '--steps', '4'],
            ...['--output', output, ...flags],
          ],
          { cwd: root, encoding: 'utf8' },
        );
        assert.equal(status, 0, stderr);
        const file = readFileSync(output);
        const image = await decodeImage(file);
        const expected = fixtureTensor(pictures, testCase);
        assertClose(image.data, expected.data, { atol: 1, rtol: 0, label: 'level' });
        const { settings = '' } = Object.fromEntries(readPngText(file));
        assert.equal(JSON.parse(settings).guidance_scale, scale);
      }));
});
