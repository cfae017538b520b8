/** Two of the paper's figures in the embedded world: what β does, and whom whose labels please. */
import { join } from 'node:path';
import { chooseWinners, type PreferencePairs } from '../../../data';
import { loadWorld, WORLD_FOLDER, type World } from '../../../toyworld/world';
import { trainOnWorld, WORLD_RECIPE } from '../../../toyworld/world-training';
import { train } from '../../../training/train';
import { compareModels } from '../evaluate';
import type { ModelSource } from '../models';
import { openScorer } from '../scorers';
import type { ReproduceOptions } from './index';
import type { ReproducedRow, Reproduction } from './rows';
import { type Budget, SCORERS_OF_WORLD, setUp, trainingOf } from './world-budget';

/** Figure S2: the same training with other β. The learning rate stays that of the world's recipe. */
export async function s2(options: ReproduceOptions): Promise<Reproduction> {
  const { budget, folder } = setUp(options, 's2');
  const { maxTrainSteps, betas } = budget;
  const models: Record<string, ModelSource> = { base: join(WORLD_FOLDER, 'base') };
  for (const betaDpo of betas) {
    options.onNote?.(`training with β ${betaDpo}`);
    const outputDir = join(folder, `beta-${betaDpo}`);
    await trained(outputDir, betaDpo, maxTrainSteps, options);
    models[`beta-${betaDpo}`] = outputDir;
  }
  const rows = await winRates(models, folder, budget, options);
  return {
    ...{ name: 's2', title: 'Figure S2: β, win rate against the base' },
    rows,
    notes: [
      'The paper shows curves and no digits: with too small a β the model degenerates into a scorer of rewards, with too large a one nothing changes; 2000 to 5000 are good.',
      `Embedded world, ${maxTrainSteps} steps each at the learning rate of the world’s recipe; there β 1000 is in use.`,
    ],
  };
}

async function trained(
  outputDir: string,
  betaDpo: number,
  maxTrainSteps: number,
  { signal }: ReproduceOptions,
): Promise<void> {
  const { learningRate, lrWarmupSteps, trainBatchSize } = WORLD_RECIPE;
  const request = {
    pretrainedModelNameOrPath: join(WORLD_FOLDER, 'base'),
    datasetName: join(WORLD_FOLDER, 'pairs'),
    ...{ resolution: 32, noHflip: true, proportionEmptyPrompts: 0, mixedPrecision: 'no' as const },
    ...{ trainBatchSize, maxTrainSteps, learningRate, lrWarmupSteps, betaDpo, outputDir },
    ...{
      seed: 0,
      reportTo: 'none' as const,
      checkpointingSteps: 100,
      resumeFromCheckpoint: 'latest',
    },
  };
  for await (const _ of train(request, signal ? { signal } : {})) signal?.throwIfAborted();
  signal?.throwIfAborted();
}

async function winRates(
  models: Readonly<Record<string, ModelSource>>,
  folder: string,
  { captions, drawing }: Budget,
  { signal, onNote }: ReproduceOptions,
): Promise<ReproducedRow[]> {
  onNote?.('drawing and scoring');
  const { comparisons } = await compareModels(
    {
      ...{ models, prompts: 'world', maxPrompts: captions, drawing, seeds: [0] },
      ...{ scorers: SCORERS_OF_WORLD, outputDir: join(folder, 'evaluation') },
    },
    { signal },
  );
  return comparisons.map(({ challenger, scorer, winRate }) => ({
    what: `${challenger}, by ${scorer}`,
    ours: winRate,
  }));
}

/** Figure 6: policies trained on the labels of several judges, each policy asked of all. */
export async function fig6(options: ReproduceOptions): Promise<Reproduction> {
  const { budget, folder } = setUp(options, 'fig6');
  const world = await loadWorld();
  const runs: { readonly dispose: () => void }[] = [];
  try {
    const models: Record<string, ModelSource> = { base: world.base };
    const sources = ['people', ...SCORERS_OF_WORLD];
    for (const source of sources) {
      options.onNote?.(`training on the labels of ${source}`);
      const trainPairs = await labelledBy(source, world, budget);
      const run = trainOnWorld({ ...world, trainPairs }, trainingOf(budget, options));
      runs.push(run);
      for await (const _ of run.records) options.signal?.throwIfAborted();
      models[`labels-${source}`] = { ...world.base, unet: run.policy };
    }
    return {
      ...{
        name: 'fig6',
        title: 'Figure 6: win rate against the base, by whose labels were trained on',
      },
      rows: await winRates(models, folder, budget, options),
      notes: [
        'The paper shows bars and no digits: labels of PickScore and HPS raise appeal and alignment, those of the aesthetic predictor its own score at the cost of CLIP’s.',
        'People are those of the embedded world, whose labels its judge drew with noise; the others label the same pictures without.',
      ],
    };
  } finally {
    for (const run of runs) run.dispose();
    world.dispose();
  }
}

async function labelledBy(
  source: string,
  world: World,
  { trainPairs }: Budget,
): Promise<PreferencePairs> {
  const data = { ...world.trainPairs, pairs: world.trainPairs.pairs.slice(0, trainPairs) };
  if (source === 'people') return data;
  const scorer = await openScorer(source);
  try {
    const score: Parameters<typeof chooseWinners>[1]['score'] = (images, prompt) =>
      scorer.scoreMany(images, new Array<string>(images.length).fill(prompt));
    return (await chooseWinners(data, { name: source, score })).data;
  } finally {
    scorer.dispose();
  }
}
