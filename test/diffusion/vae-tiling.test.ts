import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { decodeImage } from '../../src/data/image';
import { generateImages, type SampleOptions, sample, type TextToImage } from '../../src/diffusion';
import { loadPipeline } from '../../src/hub';
import { assertClose, assertNoLeak, maxError } from '../support/assert';
import { fixturePath, fixtureTensor, tensorFixture } from '../support/fixtures';

/** Pictures of test/fixtures/make_vae_tiling.py. */
const expected = tensorFixture('models', 'tiles.safetensors');

describe('sample with an autoencoder that works in parts', () => {
  const parts = { vaeTiling: {}, vaeSlicing: 'pictures' } as const;
  const given: Record<string, SampleOptions> = {
    drawn: { numInferenceSteps: 2, height: 24, width: 40 },
    'drawn over': { numInferenceSteps: 4, strength: 0.5 },
  };
  let pipeline: TextToImage;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
    const photo = readFileSync(fixturePath('data', 'pictures', 'rgb-444.jpg'));
    given['drawn over'] = { ...given['drawn over'], image: await decodeImage(photo) };
  });
  after(() => {
    for (const { parameters } of [pipeline.unet, pipeline.vae, pipeline.textEncoder])
      parameters.dispose();
  });

  const draw = (name: string, more: SampleOptions) =>
    generateImages(pipeline, {
      prompt: 'a red cat',
      seed: 7,
      numImages: 2,
      ...given[name],
      ...more,
    });

  for (const name of Object.keys(given))
    it(`draws diffusers' pictures within one level: ${name}`, () => {
      const { data, shape } = fixtureTensor(expected, name);
      const [, height, width] = shape;
      const images = draw(name, parts);
      assert.deepEqual(
        images.map((image) => [image.height, image.width]),
        [1, 2].map(() => [height, width]),
      );
      const levels = images.flatMap((image) => [...image.data]);
      assertClose(levels, data, { atol: 1, rtol: 0, label: 'level' });
      const whole = draw(name, {}).flatMap((image) => [...image.data]);
      assert.ok(maxError(whole, data).error > 1, 'tiles make a difference');
    });

  it('leaves no tensor behind', () => {
    const run = () => draw('drawn over', { ...parts, attentionSlice: 'auto' });
    run();
    assertNoLeak(run);
  });

  it('refuses tiles that have no meaning before anything is drawn', () => {
    const refused = [
      [{ tileOverlapFactor: 1 }, /^tileOverlapFactor is 1;/],
      [
        { tileSampleMinSize: 18 },
        /^vaeTiling has tiles of 18 pixels, 9 latent .* a multiple of 8\.$/,
      ],
    ] as const;
    for (const [vaeTiling, message] of refused)
      assert.throws(() => sample(pipeline, { prompt: '', vaeTiling }).next(), {
        name: 'RangeError',
        message,
      });
  });
});
