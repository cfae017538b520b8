import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeImage } from '../../src/data/image';
import { readPngText } from '../../src/data/read-png-text';
import { assertClose } from '../support/assert';
import { fixturePath, fixtureTensor, tensorFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const root = resolve(__dirname, '..', '..');
const model = fixturePath('pipelines', 'tiny-sd');

function run(...args: readonly string[]) {
  const argv = ['--import', 'tsx', join('src', 'cli', 'sample.ts'), ...args];
  return spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8', timeout: 120_000 });
}

describe('npm run sample', () => {
  it("draws diffusers' picture within one level, and says in the file how", () =>
    inTemporaryFolder(async (folder) => {
      const output = join(folder, 'out.png');
      const prompt = 'a red cat on the house';
      const { status, stdout, stderr } = run(
        ...['--model', model, '--prompt', prompt, '--negative_prompt', '', '--seed', '7'],
        ...['--steps', '20', '--guidance_scale', '7.5', '--output', output],
      );
      assert.equal(status, 0, stderr);
      assert.equal(stdout, `${output}\n`);
      assert.match(stderr, /drawing: step 21\/21 · .* · \d+ s/);

      const file = readFileSync(output);
      const image = await decodeImage(file);
      const expected = fixtureTensor(
        tensorFixture('diffusion', 'pictures.safetensors'),
        'as it is',
      );
      assert.deepEqual([1, image.height, image.width, 3], expected.shape);
      assertClose(image.data, expected.data, { atol: 1, rtol: 0, label: 'level' });

      const { settings, ...texts } = Object.fromEntries(readPngText(file));
      assert.deepEqual(texts, {
        prompt,
        negative_prompt: '',
        seed: '7',
        Software: 'diffusion-dpo',
      });
      assert.deepEqual(JSON.parse(settings ?? ''), {
        model: 'tiny-sd',
        steps: 20,
        guidance_scale: 7.5,
        scheduler: 'PNDMScheduler',
        eta: 0,
        num_images: 1,
        mixed_precision: 'no',
        image: 0,
        width: 16,
        height: 16,
      });
    }));

  it('writes several pictures of its own size and leaves nothing else', () =>
    inTemporaryFolder(async (folder) => {
      const { status, stdout, stderr } = run(
        ...['--model', model, '--prompt', 'a '.repeat(80), '--steps', '2', '--scheduler', 'ddpm'],
        ...['--mixed_precision', 'fp16'],
        ...[
          '--height',
          '8',
          '--width',
          '24',
          '--num_images',
          '2',
          '--output',
          join(folder, 'a.png'),
        ],
      );
      assert.equal(status, 0, stderr);
      assert.match(
        stderr,
        /^prompt has 80 tokens; the model reads the first 75, and not "a a a a a"\.$/m,
      );
      assert.deepEqual(readdirSync(folder).sort(), ['a-0.png', 'a-1.png']);
      assert.equal(stdout, ['a-0.png', 'a-1.png'].map((n) => `${join(folder, n)}\n`).join(''));
      const [first, second] = ['a-0.png', 'a-1.png'].map((n) => readFileSync(join(folder, n)));
      assert.ok(first && second && !first.equals(second));
      const settings = JSON.parse(readPngText(second).get('settings') ?? '');
      assert.deepEqual([settings.image, settings.width, settings.height], [1, 24, 8]);
      assert.match(stderr, /^--mixed_precision fp16: computing in bf16 instead/m);
      assert.equal(settings.mixed_precision, 'bf16');
    }));

  it('draws over a picture with a scheduler and seeds of its own, into one grid', () =>
    inTemporaryFolder(async (folder) => {
      const output = join(folder, 'grid.png');
      const picture = fixturePath('data', 'pictures', 'rgb-444.jpg');
      const { status, stdout, stderr } = run(
        ...[
          '--model',
          model,
          '--prompt',
          'a red cat',
          '--init_image',
          picture,
          '--strength',
          '0.5',
        ],
        ...['--scheduler', 'euler_a', '--steps', '4', '--seed', '3..5', '--grid'],
        ...['--guidance_rescale', '0.5', '--clip_skip', '1', '--output', output],
      );
      assert.equal(status, 0, stderr);
      assert.equal(stdout, `${output}\n`);
      assert.match(stderr, /^seed 3, 4, 5$/m);
      assert.match(stderr, /drawing: step 2\/2/);
      const file = readFileSync(output);
      const { width, height } = await decodeImage(file);
      assert.deepEqual([width, height], [2 * 24, 2 * 40]); // three pictures of the given one's size
      const texts = readPngText(file);
      assert.equal(texts.get('seed'), '3,4,5');
      const settings = JSON.parse(texts.get('settings') ?? '');
      const { scheduler, init_image, strength, guidance_rescale, clip_skip } = settings;
      assert.deepEqual(
        [scheduler, init_image, strength, guidance_rescale, clip_skip],
        ['euler_a', 'rgb-444.jpg', 0.5, 0.5, 1],
      );
    }));

  it('refuses a wrong flag, an existing file and a broken folder in one sentence', () =>
    inTemporaryFolder(async (folder) => {
      const output = join(folder, 'out.png');
      const refused = (args: readonly string[], code: number, message: RegExp) => {
        const { status, stdout, stderr } = run(...args);
        assert.equal(status, code, stderr);
        assert.equal(stdout, '');
        assert.match(stderr.trim().split('\n').at(-1) ?? '', message);
      };
      const asked = ['--model', model, '--prompt', 'a', '--output', output];
      refused(
        [...asked, '--steps', '0'],
        2,
        /argument --steps: '0' is not allowed; give an integer/,
      );
      refused([...asked, '--seed', '0..3', '--num_images', '2'], 2, /4 seeds for 2 pictures/);
      refused([...asked, '--strength', '0.5'], 2, /argument --strength: there is no --init_image/);
      refused([...asked, '--scheduler', 'euler_b'], 2, /invalid choice: .*euler_b/);
      refused(
        [...asked, '--init_image', join(folder, 'none.png')],
        1,
        /The picture .*none.png cannot be read \(ENOENT\)/,
      );
      refused([...asked, '--steps', '1001'], 1, /numInferenceSteps is 1001; .* 1 to 1000\.$/);
      refused(
        ['--model', folder, ...asked.slice(2)],
        1,
        /scheduler_config.json: there is no such f/,
      );
      writeFileSync(output, 'mine');
      refused(asked, 1, /out.png exists; it is not overwritten/);
      assert.equal(readFileSync(output, 'utf8'), 'mine');
    }));
});
