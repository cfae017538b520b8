import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Batch } from '../../src/data/batch';
import { type BatchOptions, batchSource } from '../../src/data/batches';
import { openTrainingData, type TrainingDataOptions } from '../../src/data/training-data';
import { loadTokenizer } from '../../src/models/tokenizer-files';
import { PythonRandom, TorchGenerator } from '../../src/random';
import { fixturePath } from '../support/fixtures';

/** What the original fetched for one batch, and what it then trained on. */
interface Line {
  readonly kind: 'fetch' | 'micro' | 'step';
  readonly epoch: number;
  readonly ranking_id: number[];
  readonly label_0: number[];
  readonly flips: boolean[];
  readonly crops: [top: number, left: number, height: number, width: number][];
  readonly timesteps: number[];
  readonly pixel_values_sha256: string;
  readonly input_ids: number[][];
}

interface Run {
  readonly data?: TrainingDataOptions;
  readonly batches?: Partial<BatchOptions>;
  readonly noiseOffset?: true;
  readonly inputPerturbation?: true;
}

/** The original's runs by name: see test/fixtures/oracle/README.md for their command lines. */
const RUNS: Readonly<Record<string, Run>> = {
  dpo50: {},
  sft10: { data: { trainMethod: 'sft' }, batches: { pictures: 'winner' } },
  adafactor10: {},
  cosine10: {},
  empty05_10: { batches: { proportionEmptyPrompts: 0.5 } },
  offset5: { noiseOffset: true },
  crop5: { batches: { crop: 'random' } },
  nohflip5: { batches: { flip: 'none' } },
  perturb5: { inputPerturbation: true },
  maxsamples5: { data: { maxTrainSamples: 12 } },
  empty0_5: { batches: { proportionEmptyPrompts: 0 } },
  dream5: { data: { dreamlikePairsOnly: true }, batches: { batchSize: 1 } },
  workers10: { batches: { dataloaderNumWorkers: 2 } },
};

const SEED = 7;
const RESOLUTION = 64;
const DATA = fixturePath('oracle', 'pickapic_tiny');
/** Words that the constructor of the text encoder draws before training. */
const TEXT_ENCODER_WORDS = 36_480;
const END_OF_TEXT = 536;
/** ftfy, which the original's tokenizer has, makes its curly quotes straight. */
const CURLY = /[\u2018\u2019\u201c\u201d]/;

const logged = (name: string) =>
  readFileSync(fixturePath('oracle', 'logs', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Line);

/** Draws what one micro-batch of training draws: posterior, noise, offset, perturbation, times. */
function timesteps(torch: TorchGenerator, { pixelShape, pairs }: Batch, run: Run): number[] {
  const [n] = pixelShape;
  const elements = n * 4 * (RESOLUTION / 8) ** 2;
  torch.randn(elements);
  torch.randnSerial(elements);
  if (run.noiseOffset) torch.randn(n * 4);
  if (run.inputPerturbation) torch.randnSerial(elements);
  const times = torch.randint(0, 1000, n).subarray(0, pairs.length);
  return n === pairs.length ? [...times] : [...times, ...times];
}

/** As the original holds pictures: [B, 3, R, R], or [B, 6, R, R] with the winner's channels first. */
function pixelHash({ pixelValues, pixelShape, pairs }: Batch): string {
  const [n] = pixelShape;
  const area = RESOLUTION ** 2;
  const channels = (n / pairs.length) * 3;
  const out = new Float32Array(pixelValues.length);
  for (let i = 0; i < n * area * 3; i++) {
    const [picture, pixel, colour] = [Math.trunc(i / (area * 3)), Math.trunc(i / 3) % area, i % 3];
    const [b, half] = [picture % pairs.length, Math.trunc(picture / pairs.length)];
    out[(b * channels + half * 3 + colour) * area + pixel] = pixelValues[i] as number;
  }
  return createHash('sha256').update(new Uint8Array(out.buffer)).digest('hex');
}

const rankingIds = ({ pairs }: Batch) => pairs.map(({ row }) => 1000 + row);

const drawn = (batch: Batch, { flip, crop }: BatchOptions) => ({
  ranking_id: rankingIds(batch),
  label_0: batch.pairs.map(({ winner }) => (winner === 'jpg_0' ? 1 : 0)),
  flips: flip === 'none' ? [] : batch.placements.map(({ flipped }) => flipped),
  crops: crop === 'random' ? batch.placements.map(({ left, top }) => [top, left, 64, 64]) : [],
});

const pick = ({ ranking_id, label_0, flips, crops }: Line) => ({
  ranking_id,
  label_0,
  flips,
  crops,
});

/** The prompts that were trained on: dropped ones have two tokens. */
function assertPrompts({ captions, inputIds, tokens }: Batch, micro: Line) {
  for (const [b, ids] of micro.input_ids.entries()) {
    if (CURLY.test(captions[b] as string)) continue;
    assert.deepEqual(untilEnd(inputIds.subarray(b * tokens, (b + 1) * tokens)), ids);
  }
}

const untilEnd = (ids: Int32Array) => [...ids.subarray(0, ids.indexOf(END_OF_TEXT) + 1)];

describe('batches of the original', () => {
  for (const [name, run] of Object.entries(RUNS)) {
    it(`${name}: rows, labels, flips, crops, prompts, pixels and times`, async () => {
      const lines = logged(name);
      const micros = lines.filter(({ kind }) => kind === 'micro');
      const fetches = lines.filter(({ kind }) => kind === 'fetch');
      const tokenizer = await loadTokenizer(fixturePath('oracle', 'tiny-sd15', 'tokenizer'));
      const data = await openTrainingData({
        datasetName: DATA,
        parity: 'repo',
        seed: SEED,
        ...run.data,
      });
      const random = { torch: new TorchGenerator(SEED), python: new PythonRandom(SEED) };
      random.torch.rand(TEXT_ENCODER_WORDS);
      const options: BatchOptions = { batchSize: 2, resolution: RESOLUTION, ...run.batches };

      let done = 0;
      for await (const batch of batchSource(data, tokenizer, random, options)) {
        const isThis = ({ ranking_id }: Line) => String(ranking_id) === String(rankingIds(batch));
        const [fetched] = fetches.splice(fetches.findIndex(isThis), 1); // workers' lines come in any order
        assert.deepEqual(drawn(batch, options), pick(fetched as Line));
        const micro = micros[done++];
        if (micro) {
          assert.equal(batch.epoch, micro.epoch);
          assert.equal(pixelHash(batch), micro.pixel_values_sha256);
          assertPrompts(batch, micro);
          assert.deepEqual(timesteps(random.torch, batch, run), micro.timesteps);
        }
        if (fetches.length === 0) break;
      }
      assert.ok(done >= micros.length && fetches.length === 0);
    });
  }
});
