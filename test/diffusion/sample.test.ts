import assert from 'node:assert/strict';
import {
  generateImages,
  imagesFromLatents,
  randnLatents,
  type SampleOptions,
  type SamplerName,
  SchedulerConfigError,
  sample,
  samplerNames,
  type TextToImage,
} from '../../src/diffusion';
import { tensorCount } from '../../src/engine';
import { loadPipeline } from '../../src/hub';
import { TorchGenerator } from '../../src/random';
import { assertClose, assertNoLeak } from '../support/assert';
import { fixturePath, fixtureTensor, jsonFixture, tensorFixture } from '../support/fixtures';

/** A call of diffusers' pipeline, as make_diffusion.py writes it down. */
interface PictureCase {
  readonly name: string;
  readonly prompt: string | string[];
  readonly negative_prompt?: string | string[];
  readonly seed?: number | number[];
  readonly steps?: number;
  readonly guidance_scale?: number;
  readonly scheduler?: SamplerName;
  readonly eta?: number;
  readonly height?: number;
  readonly width?: number;
  readonly num_images?: number;
  /** Factor of the text attention's weights. */
  readonly loud?: number;
  /** Changes to scheduler_config.json. */
  readonly file?: Readonly<Record<string, unknown>>;
}

const fixture = jsonFixture<{ loud: number; cases: PictureCase[] }>('diffusion', 'pictures.json');
const pictures = tensorFixture('diffusion', 'pictures.safetensors');

function options(c: PictureCase): SampleOptions {
  return {
    prompt: c.prompt,
    negativePrompt: c.negative_prompt,
    seed: c.seed ?? 7,
    numInferenceSteps: c.steps ?? 20,
    guidanceScale: c.guidance_scale,
    scheduler: c.scheduler,
    eta: c.eta,
    height: c.height,
    width: c.width,
    numImages: c.num_images,
  };
}

/** Multiplies the weights of the text attention, so that prompts change the picture. */
function amplify({ unet: { parameters } }: TextToImage, factor: number): void {
  for (const name of parameters.names)
    if (name.includes('.attn2.') && name.endsWith('.weight'))
      parameters.write(
        name,
        parameters.read(name).map((x) => x * factor),
      );
}

describe('sample', () => {
  let plain: TextToImage;
  let loud: TextToImage;
  before(async () => {
    plain = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
    loud = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
    amplify(loud, fixture.loud);
  });
  after(() => {
    for (const { unet, vae, textEncoder } of [plain, loud])
      for (const { parameters } of [unet, vae, textEncoder]) parameters.dispose();
  });

  for (const testCase of fixture.cases) {
    it(`draws diffusers' picture within one level: ${testCase.name}`, () => {
      const pipeline = testCase.loud === 1 ? plain : loud;
      const scheduler = { ...pipeline.scheduler, ...testCase.file };
      const images = generateImages({ ...pipeline, scheduler }, options(testCase));
      const { shape, data } = fixtureTensor(pictures, testCase.name);
      const [B, height, width] = shape;
      assert.equal(images.length, B);
      for (const image of images)
        assert.deepEqual([image.height, image.width], [height, width], 'size');
      const drawn = images.flatMap((image) => Array.from(image.data));
      assertClose(drawn, data, { atol: 1, rtol: 0, label: 'level' });
    });
  }

  const short = { prompt: 'a red cat', numInferenceSteps: 4, seed: 3 } as const;

  it('draws in bf16 what it draws in float32, but for rounding', () => {
    assertNoLeak(() => {
      const drawn = (['no', 'bf16'] as const).map((mixedPrecision) =>
        generateImages(loud, { ...short, guidanceScale: 7.5, mixedPrecision }).flatMap(
          ({ data }) => [...data],
        ),
      );
      const [exact = [], rounded = []] = drawn;
      const off = exact.map((level, i) => Math.abs(level - (rounded[i] ?? Number.NaN)));
      const mean = off.reduce((sum, x) => sum + x, 0) / off.length;
      assert.ok(mean > 0 && mean < 3, `${mean} levels`);
      for (const { latents } of sample(loud, { ...short, mixedPrecision: 'bf16' }))
        assert.equal(latents.dtype, 'float32');
    });
  });

  it('yields what it does at every step', () => {
    const seen = Array.from(sample(loud, short), ({ step, steps, timestep, latents }) => {
      assert.deepEqual(latents.shape, [1, 8, 8, 4]);
      return [step, steps, timestep];
    });
    // PNDM asks twice at the second of 751, 501, 251, 1
    const timesteps = [751, 501, 501, 251, 1];
    assert.deepEqual(
      seen,
      timesteps.map((t, i) => [i, 5, t]),
    );
  });

  it('ends where x̂_0 is the sample, with DDIM and ᾱ = 1 at the end', () => {
    const scheduler = { _class_name: 'DDIMScheduler', set_alpha_to_one: true };
    for (const { step, steps, latents, predOriginal } of sample({ ...loud, scheduler }, short))
      if (step === steps - 1) assertClose(latents, predOriginal);
  });

  it('leaves no tensor alive: at the end, left half-way, or stopped by an error', () => {
    for (const scheduler of samplerNames) {
      assertNoLeak(() => generateImages(loud, { ...short, scheduler }));
      assertNoLeak(() => {
        for (const { step } of sample(loud, { ...short, scheduler })) if (step === 2) break;
      });
    }
    const unet = { ...loud.unet, p: { ...loud.unet.p, conv_out: loud.unet.p.conv_in } };
    assertNoLeak(() => assert.throws(() => generateImages({ ...loud, unet }, short)));
    assertNoLeak(() => sample(loud, short)); // never started
  });

  it('holds two tensors of latents between steps of DDIM', () => {
    const steps = sample(loud, { ...short, scheduler: 'ddim' });
    const before = tensorCount();
    steps.next();
    const held = tensorCount() - before;
    steps.next();
    assert.equal(tensorCount() - before, held);
    assert.equal(held, 3); // latents, x̂_0, text states
    steps.return();
    assert.equal(tensorCount(), before);
  });

  it('holds no more tensors late in a PNDM run than early', () => {
    const counts: number[] = [];
    for (const _ of sample(loud, { ...short, numInferenceSteps: 12 })) counts.push(tensorCount());
    assert.equal(counts[11], counts[5]);
  });

  it('decodes a batch in parts where it is large', () => {
    const latents = randnLatents(new TorchGenerator(4), [5, 4, 4, 4]);
    const whole = imagesFromLatents(plain.vae, latents);
    assert.equal(whole.length, 5);
    for (const pixelsAtOnce of [1, 2 * 64, 3 * 64 + 1]) // 8 × 8 pixels each
      assertNoLeak(() => {
        const parts = imagesFromLatents(plain.vae, latents, { pixelsAtOnce });
        parts.forEach(({ data }, i) => {
          assertClose(data, whole[i]?.data ?? [], { atol: 1, rtol: 0, label: `picture ${i}` });
        });
      });
    latents.dispose();
  });

  it('goes on from a generator that is passed', () => {
    const generator = new TorchGenerator(3);
    const [first] = generateImages(loud, { ...short, generator });
    const [second] = generateImages(loud, { ...short, generator });
    assert.deepEqual(first, generateImages(loud, short)[0]);
    assert.notDeepEqual(second, first);
  });

  const refused = (change: Partial<SampleOptions>, message: RegExp) =>
    assert.throws(() => generateImages(loud, { ...short, ...change }), message);

  it('refuses options without meaning, naming value and what is allowed', () => {
    refused({ prompt: [] }, /prompt is an empty list/);
    refused({ negativePrompt: ['a', 'b'] }, /negativePrompt has 2 texts; give one, or 1/);
    refused({ seed: [1, 2] }, /2 generators were given for 1 pictures/);
    refused({ seed: 0.5 }, /A seed must be an integer; got 0.5/);
    refused({ height: 20 }, /height is 20; it must be a positive multiple of 8/);
    refused({ width: -8 }, /width is -8; it must be a positive multiple of 8/);
    refused({ eta: 2 }, /eta is 2; it must be from 0 to 1/);
    refused({ guidanceScale: Number.NaN }, /guidanceScale is NaN/);
    refused({ numImages: 0 }, /numImages is 0; it must be a positive integer/);
    refused({ numInferenceSteps: 0 }, /numInferenceSteps is 0/);
  });

  it('refuses a folder whose scheduler is not supported', () => {
    const scheduler = { _class_name: 'KDPM2DiscreteScheduler' };
    assert.throws(() => generateImages({ ...loud, scheduler }, short), SchedulerConfigError);
    assert.equal(generateImages({ ...loud, scheduler }, { ...short, scheduler: 'ddim' }).length, 1);
  });
});
