import assert from 'node:assert/strict';
import {
  generateImages,
  generateRefined,
  type SampleOptions,
  type SchedulerName,
  sample,
  sampleRefined,
} from '../../src/diffusion';
import { handOverWindow } from '../../src/diffusion/hand-over';
import { noGrad, type Tensor, zeros } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import { assertClose, assertNoLeak } from '../support/assert';
import { type FAMILIES, FAMILY_NAMES, familyJson, familyPath } from '../support/families';
import { fixtureTensor, tensorFixture } from '../support/fixtures';

type Family = keyof typeof FAMILIES;

/** A call of diffusers' pipelines, as make_families.py writes it down. */
interface PictureCase {
  readonly name: string;
  readonly model: Family;
  readonly prompt: string | string[];
  readonly negative_prompt?: string | string[];
  readonly steps?: number;
  readonly guidance_scale?: number;
  readonly scheduler?: string;
  readonly height?: number;
  readonly width?: number;
  readonly num_images?: number;
  readonly original_size?: readonly [number, number];
  readonly crops_coords_top_left?: readonly [number, number];
  readonly target_size?: readonly [number, number];
  readonly refiner?: Family;
  readonly switch?: number;
  readonly aesthetic_score?: number;
  readonly negative_aesthetic_score?: number;
}

const { cases } = familyJson<{ cases: readonly PictureCase[] }>('pictures.json');
const pictures = tensorFixture('families', 'pictures.safetensors');

function optionsOf(c: PictureCase): SampleOptions {
  return {
    prompt: c.prompt,
    negativePrompt: c.negative_prompt,
    seed: 7,
    numInferenceSteps: c.steps ?? 4,
    guidanceScale: c.guidance_scale ?? 5,
    scheduler: c.scheduler?.toLowerCase() as SchedulerName | undefined,
    height: c.height,
    width: c.width,
    numImages: c.num_images,
    originalSize: c.original_size,
    cropsCoordsTopLeft: c.crops_coords_top_left,
    targetSize: c.target_size,
    aestheticScore: c.aesthetic_score,
    negativeAestheticScore: c.negative_aesthetic_score,
  };
}

describe('sample, of every family', () => {
  const loaded = new Map<string, Pipeline>();
  before(async () => {
    for (const name of FAMILY_NAMES) loaded.set(name, await loadPipeline(familyPath(name)));
  });
  after(() => {
    for (const pipeline of loaded.values()) disposePipeline(pipeline);
  });
  const at = (name: Family) => loaded.get(name) as Pipeline;

  for (const testCase of cases)
    it(`draws diffusers' picture within one level: ${testCase.name}`, () => {
      const { model, refiner, switch: switchAt } = testCase;
      const options = optionsOf(testCase);
      const images = refiner
        ? generateRefined(at(model), at(refiner), { ...options, switchAt })
        : generateImages(at(model), options);
      const { shape, data } = fixtureTensor(pictures, testCase.name);
      assert.deepEqual([images.length, images[0]?.height, images[0]?.width, 3], shape);
      const drawn = images.flatMap((image) => Array.from(image.data));
      assertClose(drawn, data, { atol: 1, rtol: 0, label: 'level' });
    });

  const short = { prompt: 'a red cat', numInferenceSteps: 4, scheduler: 'ddim' } as const;

  it('counts the steps of base and refiner through, and leaves no tensor behind', () => {
    const [base, refiner] = [at('sdxl'), at('refiner')];
    assertNoLeak(() => {
      const seen = [...sampleRefined(base, refiner, { ...short, switchAt: 0.5 })];
      assert.deepEqual(
        seen.map(({ step, steps, timestep }) => [step, steps, timestep]),
        [751, 501, 251, 1].map((timestep, step) => [step, 4, timestep]),
      );
    });
    assertNoLeak(() => {
      for (const { step } of sampleRefined(base, refiner, { ...short, switchAt: 0.5 }))
        if (step === 2) break;
    });
    assertNoLeak(() => generateImages(at('turbo'), { ...short, guidanceScale: 0 }));
  });

  it('keeps SDXL’s autoencoder in float32 where it asks for that, and only there', () => {
    const { vae, ...rest } = at('sdxl');
    const tame = { ...vae, config: { ...vae.config, forceUpcast: 'no' as const } };
    const drawn = (pipeline: typeof rest & { vae: typeof vae }) =>
      noGrad(() => generateImages(pipeline, { ...short, mixedPrecision: 'bf16' }));
    const [upcast, half] = [drawn({ ...rest, vae }), drawn({ ...rest, vae: tame })];
    assert.notDeepEqual(upcast, half);
    const sd = at('sd2');
    const both = [
      sd,
      { ...sd, vae: { ...sd.vae, config: { ...sd.vae.config, forceUpcast: 'no' as const } } },
    ];
    const [as, is] = both.map((pipeline) => drawn(pipeline));
    assert.deepEqual(as, is);
  });

  it('begins with latents that are given, and leaves them to their owner', () => {
    const given: Tensor = zeros([1, 8, 8, 4]);
    const first = (options: Partial<SampleOptions>) => {
      for (const { timestep } of sample(at('refiner'), { ...short, ...options, latents: given }))
        return timestep;
    };
    assert.equal(first({}), 751);
    assert.equal(first({ denoisingStart: 0.6 }), 251);
    assert.throws(() => first({ numImages: 2 }), /latents are \[1,8,8,4\], but \[2,8,8,4\]/);
    given.dispose();
    assert.throws(
      () => generateImages(at('refiner'), { ...short, denoisingStart: 0.6 }),
      /denoisingStart is 0.6, but there are no latents/,
    );
  });
});

describe('handOverWindow', () => {
  const T = 1000;
  const timesteps = [801, 601, 401, 201, 1];

  it('splits the way where diffusers does', () => {
    const of = { numTrainTimesteps: T, order: 1 } as const;
    assert.deepEqual(handOverWindow(timesteps, of, {}), { begin: 0, count: 5 });
    assert.deepEqual(handOverWindow(timesteps, of, { denoisingEnd: 0.6 }), { begin: 0, count: 3 });
    assert.deepEqual(handOverWindow(timesteps, of, { denoisingStart: 0.6 }), {
      begin: 3,
      count: 2,
    });
    const exact = { denoisingEnd: 0.599 }; // the cut is at 401: that one is still the base's
    assert.deepEqual(handOverWindow(timesteps, of, exact), { begin: 0, count: 3 });
  });

  it('does not cut through a step of two evaluations', () => {
    const twice = [801, 601, 601, 401, 401, 201, 201, 1, 1];
    const of = { numTrainTimesteps: T, order: 2 } as const;
    assert.deepEqual(handOverWindow(twice, of, { denoisingStart: 0.7 }), { begin: 4, count: 5 });
  });

  it('refuses shares that are none, and parts without a step', () => {
    const of = { numTrainTimesteps: T, order: 1 } as const;
    assert.throws(() => handOverWindow(timesteps, of, { denoisingEnd: 1 }), /denoisingEnd is 1/);
    const none = { denoisingStart: 0.5, denoisingEnd: 0.4 };
    assert.throws(() => handOverWindow(timesteps, of, none), /none lies between/);
  });
});
