/** Everything that a training run needs, opened in the original's order and, where there is a checkpoint, brought back. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  BatchSource,
  type CaptionEncoder,
  type OpenedTrainingData,
  openTrainingData,
} from '../data';
import type { OnProgress } from '../hub';
import { collectCommits, type HubCommits } from '../hub/remote/commits';
import { fixText } from '../models/fix-text';
import { preferenceLosses } from '../preference';
import { PythonRandom, TorchGenerator } from '../random';
import { Adafactor } from './adafactor';
import { AdamW } from './adamw';
import { cleanOutputFolder, listCheckpoints } from './checkpoint-folders';
import { chosenWinners } from './chosen-winners';
import { checkConfiguration } from './configuration';
import { dataOptions } from './data-options';
import { type EffectiveOptions, effectiveOptions, originalStart } from './effective';
import { Ema } from './ema';
import { notingLongCaptions } from './long-captions';
import type { Optimizer } from './optimizer';
import { checkPaths, namedCheckpoint } from './option-paths';
import { resolveTrainOptions, type TrainOptions, type TrainRequest } from './options';
import { type ParitySwitches, switchesOf } from './parity';
import { findCheckpoint, type LoadedCheckpoint, loadCheckpoint } from './resume';
import { type LoadRunOptions, loadRunModels, type RunModels } from './run-models';
import { type Boundary, boundaryOf, type RunState, restoreRun } from './run-state';
import { refuseBusyFolder } from './run-status';
import { textEncoderConstructorDraws } from './text-encoder-draws';

/** A run that is ready to train. */
export interface RunSetup extends RunState {
  /** The seed is in it, also where one was drawn. */
  readonly options: TrainOptions & { readonly seed: number };
  readonly effective: EffectiveOptions;
  readonly parity: ParitySwitches;
  readonly random: { readonly torch: TorchGenerator; readonly python: PythonRandom };
  readonly data: OpenedTrainingData;
  readonly batches: BatchSource;
  /** Of the models and data that came from the hub. */
  readonly hubCommits: HubCommits;
  /** Where it goes on. */
  readonly start: Boundary;
  dispose(): void;
}

/** Tells the user something in a sentence. */
export type Note = (sentence: string) => void;

/** A run that was asked for, before anything big is loaded. */
export interface FoundRun {
  readonly options: TrainOptions & { readonly seed: number };
  /** Of the same run, where it goes on. */
  readonly saved?: LoadedCheckpoint;
}

/**
 * Checks the options, and looks for a checkpoint to go on from.
 * @throws Error where the options are refused, or the output folder is another run's
 */
export async function findRun(request: TrainRequest, note: Note): Promise<FoundRun> {
  const asked = resolveTrainOptions(request);
  checkPaths(asked);
  await refuseBusyFolder(asked.outputDir);
  const saved = await checkpointOf(asked, note);
  const options = { ...asked, seed: await seedOf(asked, saved, note) };
  if (!saved) await refuseUsedFolder(options);
  else if (switchesOf(options).resumeCheck === 'configuration')
    checkConfiguration(await saved.config(), { ...options }, options.ignoreConfigDifference);
  else note(`${saved.path}: its options are not compared with these (resumeCheck none).`);
  return { options, ...(saved ? { saved } : {}) };
}

/**
 * Loads everything in the original's order, and brings back what the checkpoint holds.
 * @throws Error naming the file of a model or of the data that is wrong
 */
export async function setUpRun(
  { options, saved }: FoundRun,
  note: Note,
  onTransfer?: OnProgress,
): Promise<RunSetup> {
  const random = {
    torch: new TorchGenerator(options.seed),
    python: new PythonRandom(options.seed),
  };
  const parity = switchesOf(options);
  note(`Loading ${options.pretrainedModelNameOrPath}.`);
  const { commits: hubCommits, onSource } = collectCommits();
  const hub = { onNote: note, onProgress: onTransfer, onSource };
  const models = await loadRunModels(options, {
    hub,
    generator: random.torch,
    onTextEncoder: (config) => {
      if (parity.textEncoderDraws === 'drawn') textEncoderConstructorDraws(random.torch, config);
    },
    ...(saved ? { checkpoint: saved } : {}),
  });
  try {
    const opened = { options, random, parity, models, hubCommits };
    return await withModels(opened, saved, note, hub);
  } catch (error) {
    models.dispose();
    throw error;
  }
}

type Opened = Pick<RunSetup, 'options' | 'random' | 'parity' | 'models' | 'hubCommits'>;

async function withModels(
  opened: Opened,
  saved: LoadedCheckpoint | undefined,
  note: Note,
  hub: LoadRunOptions['hub'],
): Promise<RunSetup> {
  const { options, random, models } = opened;
  const effective = effectiveOptions(options);
  const data = await chosenWinners(
    await openTrainingData({
      ...dataOptions(options),
      hub: { cacheDir: options.cacheDir, ...hub },
    }),
    options,
    note,
    hub,
  );
  const optimizer = makeOptimizer(options, effective, models);
  const ema = options.useEma ? new Ema(models.trained, { decay: options.emaDecay }) : undefined;
  const state: RunState = { options, models, optimizer, ...(ema ? { ema } : {}) };
  const free = () => [optimizer, ema].map((owner) => owner?.dispose());
  try {
    const restored = saved ? await restoreRun(state, saved) : undefined;
    if (restored) {
      random.torch.restore(restored.torch);
      random.python.restore(restored.python);
    }
    const batches = openBatches(opened, data, note, restored);
    const start = boundaryOf(restored?.step ?? 0, random, batches);
    if (restored) note(`Going on after step ${restored.step} of ${saved?.path}.`);
    const dispose = () => {
      free();
      models.dispose();
    };
    return { ...opened, ...state, options, effective, data, batches, start, dispose };
  } catch (error) {
    free();
    throw error;
  }
}

/** The batches that are still to come: where the checkpoint was, or in a new order, as the original. */
function openBatches(
  opened: Opened,
  data: OpenedTrainingData,
  note: Note,
  restored?: Boundary,
): BatchSource {
  const { options, parity, random } = opened;
  const plain = batchOptions(options, parity);
  const reader = notingLongCaptions(opened.models.base.tokenizer, note);
  const tokenizer = captionEncoder(opened.parity, reader);
  if (restored && parity.resumePosition === 'new permutation') {
    const startAt = originalStart(options, restored.step, data.pairs.length);
    return new BatchSource(data, tokenizer, random, { ...plain, startAt });
  }
  const resumed = options.hardSkipResume ? undefined : restored?.data;
  return new BatchSource(data, tokenizer, random, plain, resumed);
}

async function checkpointOf(
  options: TrainOptions,
  note: Note,
): Promise<LoadedCheckpoint | undefined> {
  const { outputDir, resumeFromCheckpoint } = options;
  const { recovered } = await cleanOutputFolder(outputDir);
  for (const path of recovered) note(`${path} was whole and got its name back.`);
  if (resumeFromCheckpoint === '') return undefined;
  const which = resumeFromCheckpoint === 'latest' ? 'latest' : resolve(namedCheckpoint(options));
  const found = await findCheckpoint(outputDir, which);
  if (!found) return undefined;
  for (const { path, reason } of found.passedOver) note(`Passing over ${path}: ${reason}`);
  return loadCheckpoint(found.path);
}

/** The one that is asked for, the checkpoint's, or one drawn now. */
async function seedOf(
  { seed }: TrainOptions,
  saved: LoadedCheckpoint | undefined,
  note: Note,
): Promise<number> {
  if (seed !== undefined) return seed;
  const before = (await saved?.config())?.seed;
  if (typeof before === 'number') return before;
  const drawn = randomInt(2 ** 32);
  note(`The seed is ${drawn}.`);
  return drawn;
}

/** A run that starts anew would, in time, replace the model and the checkpoints of another. */
async function refuseUsedFolder(options: TrainOptions): Promise<void> {
  const { outputDir, pretrainedModelNameOrPath } = options;
  if (resolve(outputDir) === resolve(pretrainedModelNameOrPath))
    throw new Error(`--output_dir is ${outputDir}, the model that is to be trained; give another.`);
  const model = join(outputDir, 'model_index.json');
  const [checkpoint] = await listCheckpoints(outputDir);
  const found = existsSync(model) ? model : checkpoint?.path;
  if (found === undefined) return;
  throw new Error(
    `--output_dir is ${outputDir}, but ${found} is of another run; give another folder, or go on from that run.`,
  );
}

/** Captions as the tokenizer is to read them. */
export function captionEncoder(parity: ParitySwitches, tokenizer: CaptionEncoder): CaptionEncoder {
  if (parity.captionText === 'as it is') return tokenizer;
  return { encode: (texts) => tokenizer.encode(texts.map(fixText)) };
}

function makeOptimizer(
  options: TrainOptions,
  { optimizer }: EffectiveOptions,
  { trained }: RunModels,
): Optimizer {
  const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon } = options;
  const { adamWeightDecay: weightDecay } = options;
  return optimizer === 'Adafactor'
    ? new Adafactor([trained], { weightDecay })
    : new AdamW([trained], { beta1, beta2, epsilon, weightDecay });
}

function batchOptions(options: TrainOptions, { dataOrder }: ParitySwitches) {
  const { trainBatchSize: batchSize, proportionEmptyPrompts, resolution } = options;
  return {
    ...{ batchSize, proportionEmptyPrompts, resolution },
    pictures: preferenceLosses[options.lossType].pictures,
    order: options.split === 'train' ? 'shuffled' : 'as stored',
    dataOrder,
    crop: options.randomCrop ? 'random' : 'center',
    flip: options.noHflip ? 'none' : 'random',
    pairedAugmentation: options.pairedAugmentation ? 'shared' : 'independent',
    dataloaderNumWorkers: options.dataloaderNumWorkers,
    captionDraws: options.sdxl ? 'main process' : 'fetching', // train.py:1090 reads prompts in the loop
    readAhead: { threads: Math.max(1, options.dataloaderNumWorkers) },
  } as const;
}
