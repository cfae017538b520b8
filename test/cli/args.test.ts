import assert from 'node:assert/strict';
import { computedPrecision, decimal, fileName, integer } from '../../src/cli/args';
import { sampleArgs } from '../../src/cli/sample-args';

describe('command-line values', () => {
  it('takes integers in their range, and says what is allowed', () => {
    const size = integer({ min: 8, multipleOf: 8 });
    assert.equal(size('512'), 512);
    for (const wrong of ['20', '0', '-8', '8.0', '1e3', '', ' 8', '0x10', '9007199254740992'])
      assert.throws(() => size(wrong), /is not allowed; give a multiple of 8, 8 or more/, wrong);
    assert.throws(() => integer({ min: 1, max: 9 })('10'), /'10' .* give an integer from 1 to 9/);
  });

  it('takes decimals, and neither words nor infinities', () => {
    const scale = decimal({ min: 0 });
    assert.equal(scale('7.5'), 7.5);
    assert.equal(scale('1e-3'), 0.001);
    assert.equal(decimal()('-0.1'), -0.1);
    for (const wrong of ['x', '', 'Infinity', 'NaN', '-1', '1e999', '0x1'])
      assert.throws(() => scale(wrong), /is not allowed; give a number, 0 or more/, wrong);
  });

  it('takes file names of one kind', () => {
    assert.equal(fileName('.png')('a/B.PNG'), 'a/B.PNG');
    assert.throws(() => fileName('.png')('a.jpg'), /'a.jpg' .* give a name that ends in .png/);
  });
});

describe('computedPrecision', () => {
  it('is what was asked for, and for fp16 says in one line what it is instead', () => {
    const lines: string[] = [];
    const computed = (['no', 'bf16', 'fp16'] as const).map((asked) =>
      computedPrecision(asked, (line) => lines.push(line)),
    );
    assert.deepEqual(computed, ['no', 'bf16', 'bf16']);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^--mixed_precision fp16: computing in bf16 instead/);
  });
});

describe('sampleArgs', () => {
  it('fills in the defaults of the pipeline', () => {
    const { seed, ...args } = sampleArgs(['--model', 'dir', '--prompt=-x-']);
    assert.ok(typeof seed === 'number' && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32);
    assert.deepEqual(
      { ...args },
      {
        model: 'dir',
        revision: undefined,
        variant: undefined,
        cache_dir: undefined,
        unet: undefined,
        vae: undefined,
        refiner: undefined,
        refiner_start: 0.8,
        config: undefined,
        lora: [],
        prompt: '-x-',
        negative_prompt: undefined,
        steps: 50,
        guidance_scale: undefined,
        guidance_rescale: 0,
        clip_skip: 0,
        init_image: undefined,
        strength: undefined,
        height: undefined,
        width: undefined,
        scheduler: undefined,
        eta: 0,
        num_images: 1,
        grid: false,
        mixed_precision: 'no',
        vae_slicing: false,
        vae_tiling: undefined,
        attention_slicing: undefined,
        output: 'out.png',
        overwrite: false,
      },
    );
  });

  it('takes every flag, in short where that is unambiguous', () => {
    const args = sampleArgs(
      `--model m --prompt p --neg n --seed 0 --steps 20 --guidance_scale 1 --height 64 --width=32
       --scheduler ddim --eta 0.5 --num_images 3 --mixed bf16 --guidance_r 0.7
       --clip 2 --init a.jpg --strength 0.6 --grid --out a.png --overwrite
       --unet u --vae v --refiner r --refiner_s 0.6 --config c --lora x:0.5 --lora y
       --vae_s --vae_t 512 --attention 2 --rev main --variant fp16 --cache d`.split(/\s+/),
    );
    assert.deepEqual(
      { ...args },
      {
        model: 'm',
        revision: 'main',
        variant: 'fp16',
        cache_dir: 'd',
        unet: 'u',
        vae: 'v',
        refiner: 'r',
        refiner_start: 0.6,
        config: 'c',
        lora: [
          { path: 'x', scale: 0.5 },
          { path: 'y', scale: 1 },
        ],
        prompt: 'p',
        negative_prompt: 'n',
        seed: 0,
        steps: 20,
        guidance_scale: 1,
        guidance_rescale: 0.7,
        clip_skip: 2,
        init_image: 'a.jpg',
        strength: 0.6,
        grid: true,
        height: 64,
        width: 32,
        scheduler: 'ddim',
        eta: 0.5,
        num_images: 3,
        mixed_precision: 'bf16',
        vae_slicing: true,
        vae_tiling: 512,
        attention_slicing: 2,
        output: 'a.png',
        overwrite: true,
      },
    );
  });
});
