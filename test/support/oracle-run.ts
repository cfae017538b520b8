import { createHash } from 'node:crypto';
import { type Batch, batches, openTrainingData } from '../../src/data';
import { noiseSchedule } from '../../src/diffusion';
import { noGrad, type Tensor, tidy } from '../../src/engine';
import type { Pipeline } from '../../src/hub';
import { type UNet, unet } from '../../src/models';
import { fixText } from '../../src/models/fix-text';
import { dpoLoss } from '../../src/preference';
import { PythonRandom, TorchGenerator } from '../../src/random';
import {
  Adafactor,
  AdamW,
  type DpoStepOptions,
  dpoStep,
  lrSchedules,
  noiseBatch,
  type PairBatch,
  type StepRecord,
  sftStep,
  textEncoderConstructorDraws,
  trainingLoop,
} from '../../src/training';
import { fixturePath } from './fixtures';
import type { LoggedFetch, LoggedMicro } from './oracle-log';

/** What the logged runs differ in, as train.py's options in camelCase. */
export interface RunOptions {
  readonly maxTrainSteps: number;
  readonly trainBatchSize?: number;
  readonly sft?: boolean;
  readonly useAdafactor?: boolean;
  readonly lrScheduler?: 'constant_with_warmup' | 'cosine';
  readonly proportionEmptyPrompts?: number;
  readonly randomCrop?: boolean;
  readonly noHflip?: boolean;
  readonly maxTrainSamples?: number;
  readonly dreamlikePairsOnly?: boolean;
  readonly noiseOffset?: number;
  readonly inputPerturbation?: number;
  readonly dataloaderNumWorkers?: number;
}

/** A finished run in the log's words; the caller frees it. */
export interface FinishedRun {
  readonly fetches: readonly LoggedFetch[];
  readonly micros: readonly LoggedMicro[];
  readonly records: readonly StepRecord[];
  readonly policy: UNet;
  dispose(): Promise<void>;
}

const seed = 7;
const betaDpo = 5000;
const resolution = 64;
const endOfText = 536;
export const gradientAccumulationSteps = 2;

/** A run before its first step, whose generators are where the original's are when it begins to train. */
export async function prepareRun(pipeline: Pipeline, options: RunOptions) {
  const random = { torch: new TorchGenerator(seed), python: new PythonRandom(seed) };
  textEncoderConstructorDraws(random.torch, pipeline.textEncoder.config);
  const parameters = pipeline.unet.parameters.clone();
  const policy: UNet = { ...pipeline.unet, parameters, p: parameters.tree() };
  const optimizer = new (options.useAdafactor ? Adafactor : AdamW)([parameters]);
  const schedule = noiseSchedule(pipeline.scheduler);
  const models = { ...pipeline, policy, reference: pipeline.unet };
  const { noiseOffset = 0, inputPerturbation = 0 } = options;
  const noising = { noiseOffset, inputPerturbation, perturbationOrder: 'before pairing' } as const;
  const parts = { ...models, schedule, generator: random.torch, noising, betaDpo };
  const source = await batchesOf(pipeline, random, options);
  const microStep = options.sft ? sftStep(parts) : dpoStep(parts);
  const dispose = async () => {
    await source.return();
    optimizer.dispose();
    parameters.dispose();
  };
  return { parts, optimizer, batches: source, microStep, dispose };
}

/** Trains as the original does on a CPU; what is the same in all runs is in test/fixtures/oracle/README.md. */
export async function trainLikeTheOriginal(
  pipeline: Pipeline,
  options: RunOptions,
): Promise<FinishedRun> {
  const { parts, optimizer, microStep, dispose, ...run } = await prepareRun(pipeline, options);
  const { maxTrainSteps, lrScheduler = 'constant_with_warmup' } = options;
  const fetches: LoggedFetch[] = [];
  const micros: LoggedMicro[] = [];
  const records: StepRecord[] = [];
  const loop = trainingLoop({
    batches: noted(run.batches, fetches),
    microStep: (batch, accumulationSteps) => {
      const seen = whatIsSeen(parts, batch);
      const record = microStep(batch, accumulationSteps);
      micros.push({ ...seen, loss: record.loss });
      return record;
    },
    optimizer,
    maxTrainSteps,
    gradientAccumulationSteps,
    epochEnd: 'step',
    learningRate: 1e-4,
    maxGradNorm: options.useAdafactor ? Infinity : 1, // the original clips for AdamW alone
    lrSchedule: lrSchedules[lrScheduler]({ warmupSteps: 4, trainingSteps: maxTrainSteps }),
  });
  for await (const record of loop) records.push(record);
  return { fetches, micros, records, policy: parts.policy, dispose };
}

async function batchesOf(
  { tokenizer }: Pipeline,
  random: { readonly torch: TorchGenerator; readonly python: PythonRandom },
  options: RunOptions,
): Promise<AsyncGenerator<Batch, void>> {
  const { proportionEmptyPrompts = 0.2, dataloaderNumWorkers = 0 } = options;
  const { maxTrainSamples, dreamlikePairsOnly = false } = options;
  const pairs = await openTrainingData({
    datasetName: fixturePath('oracle', 'pickapic_tiny'),
    parity: 'repo',
    seed,
    dreamlikePairsOnly,
    ...(maxTrainSamples === undefined ? {} : { maxTrainSamples }),
  });
  const encoder = { encode: (texts: string[]) => tokenizer.encode(texts.map(fixText)) };
  return batches(pairs, encoder, random, {
    resolution,
    batchSize: options.trainBatchSize ?? 2,
    pictures: options.sft ? 'winner' : 'both',
    crop: options.randomCrop ? 'random' : 'center',
    flip: options.noHflip ? 'none' : 'random',
    proportionEmptyPrompts,
    dataloaderNumWorkers,
  });
}

/** Notes how each batch that passes by was fetched. */
async function* noted(source: AsyncIterable<Batch>, fetches: LoggedFetch[]): AsyncGenerator<Batch> {
  for await (const batch of source) {
    fetches.push({
      ranking_id: batch.pairs.map(({ row }) => 1000 + row),
      flips: batch.placements.map(({ flipped }) => flipped),
      crops: batch.placements.map(({ top, left }) => [top, left, resolution, resolution]),
    });
    yield batch;
  }
}

/** What both models are shown and answer, drawn with a copy of the generator, so that nothing changes. */
function whatIsSeen(parts: DpoStepOptions, batch: PairBatch): Omit<LoggedMicro, 'loss'> {
  const generator = new TorchGenerator(0);
  generator.restore(parts.generator.state());
  return tidy(() =>
    noGrad(() => {
      const { noise, noisyLatents, timesteps, target, ...text } = noiseBatch(
        parts,
        batch,
        generator,
        parts.noising,
      );
      const seen = {
        timesteps,
        noise_sha256: sha256(channelsFirst(noise)),
        pixel_values_sha256: sha256(stackedPixels(batch)),
        input_ids: promptIds(batch),
      };
      if (noise.shape[0] === batch.captions.length) return seen;
      const modelPred = unet(parts.policy, noisyLatents, timesteps, text);
      const refPred = unet(parts.reference, noisyLatents, timesteps, text);
      const terms = dpoLoss(modelPred, refPred, target, { betaDpo });
      const listed = (...parts: readonly Tensor[]) => parts.flatMap((t) => [...t.floats()]);
      return {
        ...seen,
        inside_term: listed(terms.insideTerm),
        model_losses: listed(terms.modelLossesW, terms.modelLossesL),
        ref_losses: listed(terms.refLossesW, terms.refLossesL),
      };
    }),
  );
}

const sha256 = (data: Float32Array) => createHash('sha256').update(data).digest('hex');

/** Numbers of a tensor [N, H, W, C] in PyTorch's logical order, [N, C, H, W]. */
export const channelsFirst = (t: Tensor) => t.transpose([0, 3, 1, 2]).floats();

/** As the original stacks pictures: [B, 6, R, R], winner over loser, or [B, 3, R, R]. */
function stackedPixels({ pixelValues, pixelShape: [n, R], captions }: PairBatch): Float32Array {
  const [B, plane] = [captions.length, R * R];
  const out = new Float32Array(pixelValues.length);
  for (let i = 0; i < n; i++) {
    const place = (i % B) * (n / B) + Math.trunc(i / B);
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < plane; p++)
        out[(place * 3 + c) * plane + p] = pixelValues[(i * plane + p) * 3 + c] as number;
  }
  return out;
}

/** Of each prompt, up to its first end of text. */
function promptIds({ inputIds, captions }: PairBatch): number[][] {
  const length = inputIds.length / captions.length;
  return captions.map((_, row) => {
    const ids = [...inputIds.subarray(row * length, (row + 1) * length)];
    return ids.slice(0, ids.indexOf(endOfText) + 1);
  });
}
