/** What each of the two values of every switch does, seen from outside. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { planLines } from '../../src/cli/plan-text';
import { type Batch, openTrainingData } from '../../src/data';
import { alphaCumprodAt } from '../../src/diffusion';
import { type Tensor, tidy } from '../../src/engine';
import { loadPipeline, openSafetensors, type Pipeline } from '../../src/hub';
import { fixText } from '../../src/models';
import { splitPair } from '../../src/preference';
import { TorchGenerator } from '../../src/random';
import {
  effectiveOptions,
  type MeasureStepOptions,
  measureStep,
  noiseBatch,
  noisingSwitches,
  type ParitySwitches,
  parityLedger,
  paritySwitches,
  planRun,
  readMetrics,
  resolveTrainOptions,
  type SeenMicroBatch,
  type TrainRequest,
  textEncoderConstructorDraws,
  trainingSchedule,
} from '../../src/training';
import { dataOptions } from '../../src/training/data-options';
import { familyPath } from '../support/families';
import { fixturePath } from '../support/fixtures';
import { pairBatch } from '../support/pair-batch';
import { inTemporaryFolder } from '../support/temporary';
import { type Run, request, run } from '../support/train-run';

/** One switch and its value; all others are as in `fixed`. */
type One = Partial<ParitySwitches>;

interface Effect<V extends string> {
  readonly observe: (one: One) => unknown;
  /** What is observed under each value. */
  readonly sees: Readonly<Record<V, unknown>>;
}

const LN2 = Math.fround(Math.LN2);
const PAIRS = 8;
const hub = { pretrainedModelNameOrPath: 'owner/xl', datasetName: 'owner/data', sdxl: true };
const sdxl = { pretrainedModelNameOrPath: familyPath('sdxl'), sdxl: true };
let pipeline: Pipeline;

const step = (one: One, more: Partial<MeasureStepOptions> = {}) =>
  measureStep(pairBatch(2), { pipeline, parity: paritySwitches('fixed', one), seed: 4, ...more });

const resolved = (paritySwitch: One, more: TrainRequest) =>
  resolveTrainOptions({ ...request('output'), paritySwitch, ...more });

interface Trained extends Run {
  readonly folder: string;
  readonly batches: readonly Batch[];
}

/** Trains in a new folder, at rate 0 unless told, and looks at what came of it. */
const trained = <T>(one: One, more: TrainRequest, look: (all: Trained) => T | Promise<T>) =>
  inTemporaryFolder(async (folder) => look(await trainedIn(folder, one, more)));

async function trainedIn(folder: string, one: One, more: TrainRequest): Promise<Trained> {
  const batches: Batch[] = [];
  const onMicroBatch = ({ batch }: SeenMicroBatch) => batches.push(batch as Batch); // a run trains on whole ones
  const asked = request(folder, { learningRate: 0, paritySwitch: one, ...more });
  return { ...(await run(asked, { onMicroBatch })), folder, batches };
}

const rowsOf = (batches: readonly Batch[]) =>
  batches.map(({ pairs }) => pairs.map(({ row }) => row).join());

/** A batch under some rules of noising, and whether both pictures of each pair have the same noise in them. */
const noised = (one: One, more: object) =>
  tidy(() => {
    const noising = { ...noisingSwitches(paritySwitches('fixed', one)), ...more };
    const schedule = trainingSchedule(pipeline, 'timesteps' in noising ? 'turbo' : 'all');
    const noisy = noiseBatch(
      { ...pipeline, schedule },
      pairBatch(PAIRS),
      new TorchGenerator(4),
      noising,
    );
    const between = (t: Tensor) => {
      const { w, l } = splitPair(t);
      return w.sub(l).floats();
    };
    const [apart, clean] = [between(noisy.noisyLatents), between(noisy.latents)];
    const times = noisy.timesteps.slice(0, PAIRS);
    const signal = times.map((t) => Math.sqrt(alphaCumprodAt(schedule, t)));
    const ofPair = (i: number) => signal[Math.floor(i / (apart.length / PAIRS))] as number;
    const sameNoise = apart.every((x, i) => Math.abs(x - ofPair(i) * (clean[i] as number)) < 1e-4);
    return { sameNoise, isLast: times.some((t) => t === 999) };
  });

/** Whether the generator stands after the words of all weights of the tiny text encoder, or where it was. */
function wordsOfTextEncoder(one: One): string {
  const { config } = pipeline.textEncoder;
  const { vocabSize, maxPositions, hiddenSize: d, intermediateSize: f, layers } = config;
  const generator = new TorchGenerator(4);
  if (paritySwitches('fixed', one).textEncoderDraws === 'drawn')
    textEncoderConstructorDraws(generator, config);
  const drawn = new TorchGenerator(4);
  drawn.skip((vocabSize + maxPositions) * d + layers * (4 * (d * d + d) + 2 * d * f + f + d));
  const at = generator.rand(1)[0];
  if (at === drawn.rand(1)[0]) return 'a word for each weight';
  return at === new TorchGenerator(4).rand(1)[0] ? 'none' : `elsewhere: ${at}`;
}

/** Which tokens a caption with curly quotes was trained on. */
const curlyTokens = (one: One) =>
  trained(one, { proportionEmptyPrompts: 0 }, ({ batches }) => {
    const found = batches.flatMap(({ captions, inputIds, tokens }) =>
      captions.flatMap((caption, i) => {
        if (!/[\u2018-\u201d]/.test(caption)) return [];
        const seen = inputIds.slice(i * tokens, (i + 1) * tokens).join();
        const ids = (text: string) => pipeline.tokenizer.encode([text]).inputIds.join();
        return { raw: seen === ids(caption), mended: seen === ids(fixText(caption)) };
      }),
    );
    return found[0];
  });

const metricsOf = (one: One) =>
  trained(one, { maxTrainSteps: 1, learningRate: 1e-3 }, async ({ folder }) => {
    const [first] = await readMetrics(join(folder, 'metrics.jsonl'));
    return { lr: first?.lr, hasMean: 'model_mse' in (first ?? {}) };
  });

/** Two steps, then two more, β another. */
const otherBeta = (one: One) =>
  inTemporaryFolder(async (folder) => {
    await trainedIn(folder, one, { maxTrainSteps: 1 });
    return trainedIn(folder, one, { maxTrainSteps: 2, betaDpo: 100 }).then(
      ({ notes }) => notes.filter((line) => /not compared/.test(line)).length,
      (error: Error) => /--beta_dpo was 5000, is 100/.test(error.message),
    );
  });

/** Whether a run in two parts sees the rows of one that was not interrupted. */
const sameRowsAfterResume = (one: One) =>
  inTemporaryFolder(async (folder) => {
    const whole = await trainedIn(join(folder, 'whole'), one, { maxTrainSteps: 4 });
    await trainedIn(join(folder, 'parts'), one, { maxTrainSteps: 2 });
    const rest = await trainedIn(join(folder, 'parts'), one, { maxTrainSteps: 4 });
    return rowsOf(rest.batches).join() === rowsOf(whole.batches.slice(4)).join();
  });

const EFFECTS: { readonly [Name in keyof ParitySwitches]: Effect<ParitySwitches[Name]> } = {
  perturbationOrder: {
    observe: (one) => noised(one, { inputPerturbation: 0.1 }).sameNoise,
    sees: { 'before pairing': false, 'after pairing': true },
  },
  turboLastTimestep: {
    observe: (one) => noised(one, { timesteps: 'turbo' }).isLast,
    sees: { kept: true, skipped: false },
  },
  implicitAccTies: {
    observe: (one) => step(one).implicitAcc,
    sees: { strict: 0, half: 0.5 },
  },
  referenceErrors: {
    observe: (one) => step(one, { mixedPrecision: 'bf16' }).loss === LN2,
    sees: { 'half in mixed precision': false, float32: true },
  },
  adafactorClipping: {
    observe: (one) => effectiveOptions(resolved(one, { sdxl: true })).maxGradNorm,
    sees: { 'unless --use_adafactor': 1, never: undefined },
  },
  textEncoderDraws: {
    observe: wordsOfTextEncoder,
    sees: { drawn: 'a word for each weight', 'left out': 'none' },
  },
  sdxlTimeIds: {
    observe: async (one) => {
      const lines = planLines(await planRun(resolved(one, hub)));
      return lines.filter((line) => line.startsWith('told to SDXL'));
    },
    sees: {
      resolution: ['told to SDXL            16 × 16 and not cut, whatever they are'],
      'real sizes': ['told to SDXL            their real sizes, and where they are cut'],
    },
  },
  epochEnd: {
    observe: (one) =>
      trained(one, { maxTrainSteps: 6 }, ({ records }) => records[5]?.trainLoss.toFixed(4)),
    sees: { step: '0.3466', 'carry on': '0.6931' }, // half of ln 2: 11 micro-batches in twos
  },
  accelerate0202Accumulation: {
    observe: (one) => trained(one, { maxTrainSteps: 8 }, ({ batches }) => batches.length),
    sees: { on: 5 * 2 + 3, off: 8 * 2 },
  },
  overrunEpochs: {
    observe: (one) =>
      trained(
        one,
        { gradientAccumulationSteps: 6, accelerate0202Accumulation: true, maxTrainSteps: 5 },
        ({ records }) => records.length, // 2 steps planned an epoch, so 3 epochs; done in the second
      ),
    sees: { 'a micro-batch each': 6, none: 5 },
  },
  tieFilter: {
    observe: async (one) => {
      const datasetName = resolve(__dirname, '..', '..', 'data', 'pairs');
      const { counts } = await openTrainingData(dataOptions(resolved(one, { datasetName })));
      return [counts.kept, counts.ties];
    },
    sees: { 'names with "pickapic"': [6912, 0], always: [6331, 581] },
  },
  captionColumn: {
    observe: (one) =>
      planRun(resolved(one, { ...sdxl, captionColumn: 'prompt' })).then(
        ({ data }) => 'counts' in data && data.counts.kept,
        (error: Error) => /"prompt"/.test(error.message) && 'no such column',
      ),
    sees: { 'always "caption" for SDXL': 23, 'as told': 'no such column' },
  },
  captionText: {
    observe: curlyTokens,
    sees: {
      'mended by ftfy': { raw: false, mended: true },
      'as it is': { raw: true, mended: false },
    },
  },
  mseLogging: {
    observe: async (one) => (await metricsOf(one)).hasMean,
    sees: { 'last micro-batch': false, both: true },
  },
  loggedLr: {
    observe: async (one) => (await metricsOf(one)).lr,
    sees: { 'of the next step': 0.5e-3, 'of this step': 0 },
  },
  savedEncoders: {
    observe: (one) =>
      trained(one, { maxTrainSteps: 1, mixedPrecision: 'bf16' }, async ({ folder }) => {
        const vae = join(folder, 'vae', 'diffusion_pytorch_model.safetensors');
        const file = await openSafetensors(vae);
        await file.close();
        return [...new Set([...file.entries.values()].map(({ dtype }) => dtype))];
      }),
    sees: { 'half in mixed precision': ['BF16'], 'as they were read': ['F32'] },
  },
  resumeCheck: {
    observe: otherBeta,
    sees: { none: 1, configuration: true }, // a note, or a refusal
  },
  resumePosition: {
    observe: sameRowsAfterResume,
    sees: { 'new permutation': false, exact: true },
  },
  dataOrder: {
    observe: async (one) => {
      const first = (seed: number) =>
        trained(one, { seed, maxTrainSteps: 1 }, ({ batches }) => rowsOf(batches).join());
      return (await first(7)) === (await first(8));
    },
    sees: { 'fixed seed': true, 'from --seed': false },
  },
};

describe('the two values of', () => {
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });

  it('every switch of the ledger are looked at here', () =>
    assert.deepEqual(Object.keys(EFFECTS).sort(), Object.keys(parityLedger).sort()));

  for (const [name, { observe, sees }] of Object.entries<Effect<string>>(EFFECTS))
    it(name, async () => {
      const values = Object.keys(sees);
      for (const value of values)
        assert.deepEqual(await observe({ [name]: value }), sees[value], value);
      assert.notDeepEqual(...(values.map((value) => sees[value]) as [unknown, unknown]));
    });
});
