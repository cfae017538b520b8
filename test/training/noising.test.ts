import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { noiseSchedule } from '../../src/diffusion';
import { tensor, tensorCount, tidy } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import { clipTextConfig } from '../../src/models';
import { splitPair } from '../../src/preference';
import { TorchGenerator } from '../../src/random';
import {
  constructedTextEncoders,
  drawNoise,
  drawTimesteps,
  type NoisingOptions,
  noiseBatch,
  textEncoderConstructorDraws,
} from '../../src/training';
import { assertClose } from '../support/assert';
import { fixturePath, jsonFixture } from '../support/fixtures';
import { type LoggedMicro, oracleLog } from '../support/oracle-log';

const shape = [4, 8, 8, 4] as const; // [N, h, w, C] of two pairs at 64 pixels

const sha256 = (data: Float32Array) => createHash('sha256').update(data).digest('hex');

describe('noiseBatch', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('oracle', 'tiny-sd15'));
  });

  /** The original's first two micro-batches from seed 7, its pictures and prompts left out: noise and times only. */
  function firstMicros(noising: NoisingOptions) {
    const generator = new TorchGenerator(7);
    textEncoderConstructorDraws(generator, pipeline.textEncoder.config);
    for (let i = 0; i < 2; i++) generator.random64(); // base seed, sampler's seed
    generator.rand(8); // flips of the first two fetches
    const schedule = noiseSchedule(pipeline.scheduler);
    const micro = () =>
      tidy(() => {
        const batch = {
          pixelValues: new Float32Array(4 * 64 * 64 * 3),
          pixelShape: [4, 64, 64, 3],
          inputIds: new Int32Array(2 * 77),
          captions: ['', ''],
        } as const;
        const drawn = noiseBatch({ ...pipeline, schedule }, batch, generator, noising);
        const noise = sha256(drawn.noise.transpose([0, 3, 1, 2]).floats());
        return { timesteps: drawn.timesteps, noise_sha256: noise };
      });
    const first = micro();
    generator.rand(4); // flips of the third
    return [first, micro()];
  }

  const runs: Readonly<Record<string, NoisingOptions>> = {
    dpo50: {},
    offset5: { noiseOffset: 0.1 },
    perturb5: { inputPerturbation: 0.1 },
  };
  for (const [run, noising] of Object.entries(runs))
    it(`draws the noise and the times of the original's run ${run}, bit for bit`, () => {
      const before = tensorCount();
      const logged = oracleLog(run).micros.slice(0, 2);
      const expected = logged.map(({ timesteps, noise_sha256 }: LoggedMicro) => ({
        timesteps,
        noise_sha256,
      }));
      assert.deepEqual(firstMicros(noising), expected);
      assert.equal(tensorCount(), before);
    });
});

interface TorchDraws {
  readonly seed: number;
  readonly cases: readonly {
    readonly rows: number;
    readonly noiseOffset: number;
    readonly inputPerturbation: number;
    readonly noise: string; // [N, h, w, C] in memory
    readonly newNoise: string;
    readonly timesteps: readonly number[];
    readonly uniform: number;
  }[];
}

describe('drawNoise', () => {
  const { seed, cases } = jsonFixture<TorchDraws>('training', 'noising.json');
  for (const { rows, noiseOffset, inputPerturbation, ...torch } of cases)
    it(`draws what torch does for ${rows} pictures, offset ${noiseOffset}, perturbation ${inputPerturbation}`, () => {
      tidy(() => {
        const generator = new TorchGenerator(seed);
        const schedule = { numTrainTimesteps: 1000 } as ReturnType<typeof noiseSchedule>;
        const options = { noiseOffset, inputPerturbation };
        const drawn = drawNoise(generator, [rows, 2, 2, 3], 'winners', options);
        const times = drawTimesteps(generator, schedule, rows, 'winners');
        assert.equal(sha256(drawn.noise.floats()), torch.noise);
        assert.equal(sha256(drawn.addedNoise.floats()), torch.newNoise);
        assert.deepEqual(times, torch.timesteps);
        assert.equal(generator.rand(1)[0], torch.uniform, 'as many words were drawn');
      });
    });

  it('shares noise and perturbation in a pair, or leaves each its own perturbed noise', () => {
    tidy(() => {
      const draw = (options: NoisingOptions) => {
        const drawn = drawNoise(new TorchGenerator(3), shape, 'pairs', options);
        const { w, l } = splitPair(drawn.noise);
        assert.deepEqual(w.floats(), l.floats());
        const added = splitPair(drawn.addedNoise);
        return { target: w.floats(), w: added.w.floats(), l: added.l.floats() };
      };
      const before = draw({ inputPerturbation: 0.1, perturbationOrder: 'before pairing' });
      const after = draw({ inputPerturbation: 0.1, perturbationOrder: 'after pairing' });
      assert.deepEqual(after.w, after.l);
      assert.deepEqual(before.target, after.target);
      assert.deepEqual(before.w, after.w, 'the winner is noised the same either way');
      // ε_l is another draw: the difference of two standard normals, and their perturbations', has variance 2 · 1.01
      const spread = before.l.reduce((sum, x, i) => sum + (x - (before.w[i] ?? 0)) ** 2, 0);
      assertClose(spread / before.l.length, 2.02, { rtol: 0.15 });
      assert.deepEqual(draw({}).w, draw({}).target);
      assert.deepEqual(after, draw({ inputPerturbation: 0.1 }));
    });
  });

  it('shifts every channel of a picture by its own amount', () => {
    tidy(() => {
      const draw = (noiseOffset: number) =>
        drawNoise(new TorchGenerator(3), shape, 'winners', { noiseOffset }).noise;
      const shift = draw(0.5).sub(draw(0)); // [4, 8, 8, 4]
      const normals = new TorchGenerator(3);
      normals.randnSerial(shift.size);
      const expected = tensor(normals.randn(16), [4, 1, 1, 4]).mul(0.5);
      assertClose(shift, shift.mul(0).add(expected), { atol: 1e-6 });
    });
  });
});

describe('drawTimesteps', () => {
  const schedule = { numTrainTimesteps: 1000 } as ReturnType<typeof noiseSchedule>;
  const times = (options: NoisingOptions) =>
    drawTimesteps(new TorchGenerator(1), schedule, 400, 'pairs', options);

  it('gives both pictures of a pair the time of the winner', () => {
    const all = times({});
    assert.deepEqual(all.slice(0, 200), all.slice(200));
    assert.deepEqual(all.slice(0, 200), [...new TorchGenerator(1).randint(0, 1000, 200)]);
    const alone = drawTimesteps(new TorchGenerator(1), schedule, 400, 'winners');
    assert.notDeepEqual(alone.slice(0, 200), alone.slice(200));
  });

  it('trains turbo at four times, or leaves out the one at which nothing can be learnt', () => {
    const all = times({});
    const kept = times({ timesteps: 'turbo', turboLastTimestep: 'kept' });
    assert.deepEqual(
      kept,
      all.map((t) => 250 * (t % 4) + 249),
    );
    assert.deepEqual(new Set(kept), new Set([249, 499, 749, 999]));
    const skipped = times({ timesteps: 'turbo' });
    assert.deepEqual(new Set(skipped), new Set([249, 499, 749]));
  });

  it('trains a refiner on the first fifth', () => {
    const all = times({});
    assert.deepEqual(
      times({ timesteps: 'refiner' }),
      all.map((t) => t % 200),
    );
  });
});

describe('textEncoderConstructorDraws', () => {
  /** How many words a config's constructors draw; all of these are skipped. */
  function wordsDrawn(config: Readonly<Record<string, number>>): number {
    let words = 0;
    const counter = { skip: (count: number) => (words += count) } as unknown as TorchGenerator;
    textEncoderConstructorDraws(counter, clipTextConfig({ num_attention_heads: 1, ...config }));
    return words;
  }

  it('goes past 36,480 words of the tiny encoder, 123,022,080 of Stable Diffusion 1.5’s', () => {
    const tiny = { vocab_size: 537, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2 };
    assert.equal(wordsDrawn(tiny), 36480);
    const sd15 = { hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 12 };
    assert.equal(wordsDrawn(sd15), 123022080);
  });

  it('is asked for two encoders where the model is a refiner: the original constructs the one that it lacks, too', async () => {
    for (const [name, expected] of [
      ['refiner', 2],
      ['sdxl', 2],
      ['sd2', 1],
    ] as const) {
      const one = await loadPipeline(fixturePath('families', name));
      const configs = constructedTextEncoders(one);
      assert.equal(configs.length, expected, name);
      const [first] = configs;
      const own = [one.textEncoder.config, one.textEncoder2?.config].filter(Boolean);
      assert.deepEqual(configs.slice(configs.length - own.length), own, name);
      if (name === 'refiner') {
        const { hiddenSize, layers, vocabSize, maxPositions, projectionDim } = first ?? {};
        const published = [768, 12, 49408, 77, undefined]; // of SDXL's text_encoder/config.json
        assert.deepEqual([hiddenSize, layers, vocabSize, maxPositions, projectionDim], published);
      }
      disposePipeline(one);
    }
  });

  it('draws as torch does where an embedding is odd or small', () => {
    // tokens 7 · 3 = 21 → 37, positions 4 · 3 = 12: serial, 2 words each; a layer 4 · (9 + 3) + (6 + 2) + (6 + 3)
    const odd = { vocab_size: 7, max_position_embeddings: 4, hidden_size: 3 };
    const config = { ...odd, intermediate_size: 2, num_hidden_layers: 1, num_attention_heads: 1 };
    const [drawing, expected] = [new TorchGenerator(5), new TorchGenerator(5)];
    textEncoderConstructorDraws(drawing, clipTextConfig(config));
    for (const count of [21, 12]) expected.randn(count);
    expected.rand(4 * 12 + 8 + 9);
    assert.deepEqual(drawing.state(), expected.state());
  });
});
