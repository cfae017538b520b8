import assert from 'node:assert/strict';
import { checkVariant, fits, modelFiles, pipelineFiles } from '../../../src/hub/remote/select';

const shards = (stem: string, ending = 'safetensors') =>
  [1, 2].map((n) => `unet/${stem}-0000${n}-of-00002.${ending}`);

/** The weights that are taken of those in a folder `unet/`. */
const taken = (names: readonly string[], variant?: string) =>
  modelFiles('unet', ['unet/config.json', ...names], { variant }).filter(
    (name) => name !== 'unet/config.json',
  );

describe('modelFiles', () => {
  it('takes safetensors before pickles, and of each the variant before the plain ones', () => {
    const [plain, half] = [
      'unet/diffusion_pytorch_model.bin',
      'unet/diffusion_pytorch_model.fp16.bin',
    ];
    const [safe, safeHalf] = [plain, half].map((name) => name.replace('.bin', '.safetensors'));
    assert.deepEqual(taken([plain, half]), [plain]);
    assert.deepEqual(taken([plain, half], 'fp16'), [half]);
    assert.deepEqual(taken([plain, half, safe ?? ''], 'fp16'), [safe]);
    assert.deepEqual(taken([plain, safeHalf ?? '']), [safeHalf]);
    assert.deepEqual(taken([plain, half, safe ?? '', safeHalf ?? ''], 'fp16'), [safeHalf]);
    assert.deepEqual(
      taken([
        'unet/model.msgpack',
        'unet/openvino_model.bin',
        'unet/diffusion_pytorch_model.non_ema.bin',
      ]),
      [],
    );
  });

  it('takes shards with their index, under the names of every version of diffusers', () => {
    const index = 'unet/diffusion_pytorch_model.safetensors.index.json';
    const plain = [...shards('diffusion_pytorch_model'), index];
    assert.deepEqual(taken(plain), plain);
    for (const name of [
      'diffusion_pytorch_model.fp16.safetensors.index.json',
      'diffusion_pytorch_model.safetensors.index.fp16.json',
    ]) {
      const half = [...shards('diffusion_pytorch_model.fp16'), `unet/${name}`];
      assert.deepEqual(taken([...half, ...plain], 'fp16'), half);
      assert.deepEqual(taken([...half, ...plain]), plain);
    }
  });

  it('takes one whole file before its shards', () => {
    const whole = 'unet/diffusion_pytorch_model.safetensors';
    assert.deepEqual(taken([...shards('diffusion_pytorch_model'), whole]), [whole]);
  });

  it('leaves pictures, texts and files of other folders', () => {
    const names = [
      'README.md',
      'a.png',
      'config.json',
      'merges.txt',
      'model.safetensors',
      'unet/config.json',
      'onnx/model.onnx',
    ];
    assert.deepEqual(modelFiles('', names, {}), ['config.json', 'merges.txt', 'model.safetensors']);
  });
});

describe('pipelineFiles', () => {
  it('says which part has no files', () => {
    const index = { vae: ['diffusers', 'AutoencoderKL'], tokenizer_2: [null, null], force: true };
    const vae = ['vae/config.json', 'vae/diffusion_pytorch_model.safetensors'];
    assert.deepEqual(pipelineFiles(index, vae, {}), ['model_index.json', ...vae]);
    const described = ['model_index.json', 'vae/config.json'];
    assert.deepEqual(pipelineFiles(index, vae, { without: ['vae'] }), described);
    assert.throws(() => pipelineFiles(index, vae.slice(0, 1), {}), /has no weights of "vae"/);
    assert.throws(
      () => pipelineFiles(index, ['unet/config.json'], {}),
      /has no files of "vae", which its model_index\.json names/,
    );
  });
});

describe('checkVariant', () => {
  it('lists the variants there are, also of shards', () => {
    const names = [
      'unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors',
      'vae/diffusion_pytorch_model.non_ema.bin',
    ];
    assert.throws(
      () => checkVariant(['unet/model.safetensors'], names, { variant: 'bf16' }),
      /"bf16"; it has fp16, non_ema\./,
    );
    checkVariant(['tokenizer/vocab.json'], names, { variant: 'bf16' });
  });
});

describe('fits', () => {
  it('keeps one star within a folder', () => {
    assert.ok(fits('data/train-0.parquet', 'data/train-*.parquet'));
    assert.ok(!fits('data/x/train-0.parquet', 'data/*.parquet'));
    assert.ok(fits('data/x/a.parquet', '**.parquet'));
    assert.ok(!fits('dataXa', 'data.a') && fits('a+(b)', 'a+(b)'));
  });
});
