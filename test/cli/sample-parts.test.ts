import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertArgs } from '../../src/cli/convert-args';
import { convertModel } from '../../src/cli/convert-model';
import { drawToFiles } from '../../src/cli/draw';
import { sampleArgs } from '../../src/cli/sample-args';
import { decodeImage } from '../../src/data/image';
import { readPngText } from '../../src/data/read-png-text';
import { familyPath } from '../support/families';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const SD2 = familyPath('sd2');
const KOHYA = fixturePath('lora', 'kohya-sd2.safetensors');

async function draw(folder: string, name: string, ...argv: readonly string[]) {
  const output = join(folder, `${name}.png`);
  const small = [
    '--prompt',
    'a red cat',
    '--seed',
    '3',
    '--steps',
    '2',
    '--height',
    '16',
    '--width',
    '16',
  ];
  await drawToFiles(sampleArgs([...argv, ...small, '--output', output]));
  const file = readFileSync(output);
  const settings = JSON.parse(new Map(readPngText(file)).get('settings') ?? '');
  return { data: (await decodeImage(file)).data, settings };
}

describe('npm run sample, with parts from elsewhere', () => {
  it('draws the same from a file as from its folder, and with an adapter as with the merged model', () =>
    inTemporaryFolder(async (folder) => {
      const [file, merged] = [join(folder, 'a.safetensors'), join(folder, 'merged')];
      await convertModel(convertArgs([SD2, file]));
      await convertModel(convertArgs([SD2, merged, '--dtype', 'F32', '--lora', `${KOHYA}:0.5`]));
      const plain = await draw(folder, 'plain', '--model', SD2);
      const single = await draw(folder, 'single', '--model', file, '--config', SD2);
      assert.deepEqual(single.data, plain.data);
      const adapted = await draw(
        folder,
        'lora',
        '--model',
        file,
        '--config',
        SD2,
        '--lora',
        `${KOHYA}:0.5`,
      );
      assert.notDeepEqual(adapted.data, plain.data);
      assert.deepEqual(adapted.settings.lora, ['kohya-sd2.safetensors:0.5']);
      const whole = await draw(folder, 'whole', '--model', merged);
      assert.deepEqual(adapted.data, whole.data);
      const swapped = await draw(folder, 'unet', '--model', merged, '--unet', SD2, '--vae', SD2);
      assert.equal(swapped.settings.unet, 'sd2');
      assert.notDeepEqual(swapped.data, whole.data);
    }));
});
