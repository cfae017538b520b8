import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { decodeImage, type RgbImage } from '../../src/data/image';
import { resize } from '../../src/data/resize';
import {
  generateImages,
  makeSampler,
  randnLatents,
  type SampleOptions,
  type SchedulerClass,
  type TextToImage,
} from '../../src/diffusion';
import { firstStep } from '../../src/diffusion/drawn-over';
import { type Tensor, tensor } from '../../src/engine';
import { loadPipeline } from '../../src/hub';
import { TorchGenerator } from '../../src/random';
import { assertClose, assertNoLeak } from '../support/assert';
import { fixturePath, fixtureTensor, jsonFixture, tensorFixture } from '../support/fixtures';

/** A call of one of diffusers' pipelines, as make_drawn_over.py writes it down. */
interface PictureCase {
  readonly name: string;
  readonly prompt?: string | string[];
  readonly negative_prompt?: string | string[];
  readonly class: string;
  readonly file?: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly seed?: number | number[];
  readonly image?: readonly string[];
  readonly strength?: number;
  readonly num_images?: number;
  readonly guidance_scale?: number;
  readonly guidance_rescale?: number;
  readonly clip_skip?: number;
  /** How many random text states take the place of prompts. */
  readonly embeds?: number;
  readonly negative_embeds?: boolean;
}

const { loud, cases } = jsonFixture<{ loud: number; cases: PictureCase[] }>(
  'diffusion',
  'drawn-over.json',
);
const pictures = tensorFixture('diffusion', 'drawn-over.safetensors');
const picture = (name: string) => decodeImage(readFileSync(fixturePath('data', 'pictures', name)));

describe('sample, with every scheduler and over pictures', () => {
  let pipeline: TextToImage;
  const images = new Map<string, RgbImage>();
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
    const { parameters } = pipeline.unet;
    for (const name of parameters.names)
      if (name.includes('.attn2.') && name.endsWith('.weight'))
        parameters.write(
          name,
          parameters.read(name).map((x) => x * loud),
        );
    for (const name of new Set(cases.flatMap(({ image = [] }) => image)))
      images.set(name, await picture(name));
  });
  after(() => {
    for (const { parameters } of [pipeline.unet, pipeline.vae, pipeline.textEncoder])
      parameters.dispose();
  });

  /** Text states and negative ones, [n, 77, 32] each, drawn as PyTorch draws both at once. */
  function states({ embeds = 0 }: PictureCase): [Tensor, Tensor] {
    const drawn = new TorchGenerator(9).randn(2 * embeds * 77 * 32);
    const half = drawn.length / 2;
    const shape = [embeds, 77, 32];
    return [tensor(drawn.slice(0, half), shape), tensor(drawn.slice(half), shape)];
  }

  function options(c: PictureCase): SampleOptions {
    const name = `${c.class}Scheduler` as SchedulerClass;
    const sampler = makeSampler({ ...pipeline.scheduler, ...c.file }, { scheduler: name });
    const image = c.image?.map((file) => images.get(file) as RgbImage);
    return {
      prompt: c.prompt,
      negativePrompt: c.negative_prompt,
      seed: c.seed ?? 7,
      numInferenceSteps: c.steps,
      guidanceScale: c.guidance_scale,
      guidanceRescale: c.guidance_rescale,
      clipSkip: c.clip_skip,
      numImages: c.num_images,
      scheduler: sampler,
      ...(image ? { image, strength: c.strength } : {}),
    };
  }

  for (const testCase of cases)
    it(`draws diffusers' picture within one level: ${testCase.name}`, () => {
      const { shape, data } = fixtureTensor(pictures, testCase.name);
      assertNoLeak(() => {
        const [promptEmbeds, negative] = testCase.embeds ? states(testCase) : [];
        const drawn = generateImages(pipeline, {
          ...options(testCase),
          promptEmbeds,
          negativePromptEmbeds: testCase.negative_embeds ? negative : undefined,
        });
        promptEmbeds?.dispose();
        negative?.dispose();
        assert.deepEqual([drawn.length, drawn[0]?.height, drawn[0]?.width, 3], shape);
        const levels = drawn.flatMap((image) => Array.from(image.data));
        assertClose(levels, data, { atol: 1, rtol: 0, label: 'level' });
      });
    });

  it('resizes what is drawn over as Pillow does with its Lanczos filter', async () => {
    const image = await picture('rgb.png');
    for (const [width, height] of [
      [36, 28],
      [50, 40],
    ] as const) {
      const { data } = resize(image, width, height, { filter: 'lanczos' });
      const expected = fixtureTensor(pictures, `resized to ${width}x${height}`).data;
      assert.deepEqual([...data], [...expected]);
    }
  });

  it('takes pictures and text states that are made for it, and says what is not', async () => {
    const image = await picture('rgb-444.jpg');
    const refused = (change: SampleOptions, message: RegExp) =>
      assert.throws(() => generateImages(pipeline, { numInferenceSteps: 4, ...change }), message);
    const one = { prompt: 'a red cat' };
    refused({ ...one, image, strength: 0 }, /strength is 0; it must be above 0 and at most 1/);
    refused({ ...one, image, strength: 0.2 }, /strength 0.2 none of 4 steps is made/);
    refused({ ...one, strength: 0.5 }, /strength is 0.5, but there is no image/);
    refused({ ...one, image: [image, image] }, /image has 2 pictures, but 1 are drawn/);
    refused({ ...one, guidanceRescale: 2 }, /guidanceRescale is 2; it must be from 0 to 1/);
    refused({ ...one, clipSkip: 2.5 }, /clipSkip is 2.5; it must be an integer, 0 or more/);
    refused(
      { ...one, clipSkip: 3 },
      /3 layers before the end of a text encoder of 2 there is none/,
    );
    refused({}, /prompt is an empty list; give one text or more, or promptEmbeds/);
    const latents = randnLatents(new TorchGenerator(1), [1, 8, 8, 4]);
    refused({ ...one, image, latents }, /image and latents are given/);
    latents.dispose();
    const [promptEmbeds, negative] = states({ name: '', class: '', steps: 1, embeds: 1 });
    refused({ ...one, promptEmbeds }, /prompt is given twice: as text and as states/);
    for (const states of [promptEmbeds, negative]) states.dispose();
  });
});

describe('firstStep', () => {
  it('counts whole steps from the end, cut off as Python does', () => {
    assert.equal(firstStep(50, 0.8), 10);
    assert.equal(firstStep(10, 0.29), 8); // 2.9 → 2 steps
    assert.equal(firstStep(20, 1), 0);
  });
});
