/** Wallace et al. 2023, Table 2: who ranks Pick-a-Pic's held-out pairs as people did. */
import type { PreferencePairs } from '../../../data';
import { type OpenedTrainingData, openTrainingData } from '../../../data/training-data';
import { noiseSchedule } from '../../../diffusion';
import type { UNet } from '../../../models';
import { readCaption } from '../../../toyworld/captions';
import { bayesCeiling } from '../../../toyworld/labels';
import { loadWorld, type World } from '../../../toyworld/world';
import { seeded, trainOnWorld, WORLD_RECIPE, worldBatches } from '../../../toyworld/world-training';
import { type ImplicitMargins, implicitMargins } from '../../implicit-accuracy';
import type { ScorerOptions } from '../../scorer-kinds';
import { SCORERS } from '../../scorers';
import { type ImplicitReport, implicitReport, pairReport, scorerDifferences } from '../pair-report';
import { openScorer } from '../scorers';
import type { ReproduceOptions } from './index';
import { isAbsence, policyRow } from './policy-row';
import type { ReproducedRow, Reproduction } from './rows';

/** Their scorers, and accuracy in percent. */
const PAPER_SCORERS = { pickscore: '64.2', hps: '59.3', clip: '57.1', aes: '51.4' } as const;

/** Their policies, with base and denoiser on the hub. */
const PAPER_POLICIES = {
  'DPO-SD1.5': {
    paper: '60.8',
    unet: 'mhdang/dpo-sd1.5-text2image-v1',
    base: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    size: '6.9 GB',
  },
  'DPO-SDXL': {
    paper: '72.0',
    unet: 'mhdang/dpo-sdxl-text2image-v1',
    base: 'stabilityai/stable-diffusion-xl-base-1.0',
    size: '17 GB',
  },
} as const;

const PICK_A_PIC = 'yuvalkirstain/pickapic_v2';

/** Rows of the paper where data and weights are at hand, and the same of the embedded world. */
export async function table2(options: ReproduceOptions): Promise<Reproduction> {
  const rows: ReproducedRow[] = [];
  const data = await heldOutPairs(options);
  for (const [name, paper] of Object.entries(PAPER_SCORERS))
    rows.push({ what: name, paper: `${paper} %`, ...(await scorerRow(name, data, options)) });
  for (const [what, { paper, size, ...published }] of Object.entries(PAPER_POLICIES)) {
    const models = options.policies?.[what] ?? published;
    const found = data && (await policyRow(models, data, options));
    const needs = `${published.base} and ${published.unet} (about ${size} in all)${data ? '' : `, the pairs of ${PICK_A_PIC}`}`;
    rows.push({ what, paper: `${paper} %`, ...(found ?? { needs }) });
  }
  rows.push(...(await worldRows(options)));
  return {
    name: 'table2',
    title: 'Table 2: accuracy on held-out pairs',
    rows,
    notes: [
      `Implicit rewards: sign of the logit averaged over 10 draws of time and noise, the same for every policy; ties count half.`,
      'The rows of the embedded world have labels of their own; nobody expects the paper’s numbers of them.',
    ],
  };
}

/** The paper's pairs, if they are on this disk. */
async function heldOutPairs({
  pairs,
  split = 'validation_unique',
  maxPairs,
  signal,
}: ReproduceOptions) {
  try {
    return await openTrainingData({
      datasetName: pairs ?? PICK_A_PIC,
      split,
      hub: { network: 'offline', signal },
    }).then((data) => ({ ...data, pairs: data.pairs.slice(0, maxPairs) }));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

type Found = Pick<ReproducedRow, 'ours' | 'needs' | 'note'>;

async function scorerRow(
  name: string,
  data: OpenedTrainingData | undefined,
  { weights = {}, signal }: ReproduceOptions,
): Promise<Found> {
  const { files = [] } = SCORERS[name as keyof typeof SCORERS] ?? {};
  const size = files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9;
  const place = weights[name];
  const spec = place === undefined ? name : `${name}=${place}`;
  const needs = [
    `${files.map((file) => `${file.from}: ${file.name}`).join(', ')} (about ${size.toFixed(1)} GB)`,
    ...(data ? [] : [`the pairs of ${PICK_A_PIC}`]),
  ].join('; ');
  if (!data || (name === 'aes' && place === undefined)) return { needs };
  const options: ScorerOptions = { network: 'offline', signal };
  const scorer = await openScorer(spec, options).catch((error: unknown) => {
    if (isAbsence(error)) return undefined;
    throw error;
  });
  if (!scorer) return { needs };
  try {
    const report = pairReport(await scorerDifferences(data, scorer, { signal }));
    const { error, scale } = report.calibration;
    const note = `SHA-256 ${scorer.identity.hash.slice(0, 12)}, calibration error ${error.toFixed(3)} at scale ${scale.toPrecision(3)}`;
    return { ours: report.accuracy, note };
  } finally {
    scorer.dispose();
  }
}

/** The world's scorers and judge, and a policy trained there. */
async function worldRows({ budget, signal }: ReproduceOptions): Promise<ReproducedRow[]> {
  const world = await loadWorld();
  try {
    const all = world.heldoutPairs;
    const count = budget === 'small' ? 8 : 512;
    const data: PreferencePairs = { ...all, pairs: all.pairs.slice(0, count) };
    const rows: ReproducedRow[] = [];
    for (const name of ['judge', 'faithful', 'embedded']) {
      const scorer = await openScorer(name);
      const differences = await scorerDifferences(data, scorer, { signal });
      scorer.dispose();
      const { accuracy, calibration } = pairReport(differences);
      const note = `calibration error ${calibration.error.toFixed(3)} at scale ${calibration.scale.toPrecision(3)}`;
      const ceiling =
        name === 'judge' ? `, ceiling ${(100 * bayesCeiling(differences)).toFixed(1)} %` : '';
      rows.push({ what: `world: ${name}`, ours: accuracy, note: note + ceiling });
    }
    const maxTrainSteps = budget === 'small' ? 2 : WORLD_RECIPE.maxTrainSteps;
    const run = trainOnWorld(world, { maxTrainSteps, ...(signal ? { signal } : {}) });
    for await (const _ of run.records) signal?.throwIfAborted();
    const report = await worldImplicitReport(world, run.policy, data);
    run.dispose();
    const { error } = report.calibration;
    const note = `${maxTrainSteps} steps, calibration error ${error.toFixed(3)}`;
    return [...rows, { what: 'world: DPO, implicit reward', ours: report.accuracy, note }];
  } finally {
    world.dispose();
  }
}

/** The paper's protocol on pairs of the world, with what each caption asks for as categories. */
export async function worldImplicitReport(
  world: World,
  policy: UNet,
  data: PreferencePairs,
  {
    draws = 10,
    seed = 0,
    betaDpo = WORLD_RECIPE.betaDpo,
  }: { readonly draws?: number; readonly seed?: number; readonly betaDpo?: number } = {},
): Promise<ImplicitReport> {
  const { base } = world;
  const random = seeded(seed);
  const batchSize = Math.min(WORLD_RECIPE.trainBatchSize, data.pairs.length);
  const batches = worldBatches(world, data, random, { batchSize, epochs: 1 });
  const models = { policy, reference: base.unet, schedule: noiseSchedule(base.scheduler) };
  const pairs: ImplicitMargins[] = [];
  for await (const pair of implicitMargins(batches, {
    ...base,
    ...models,
    generator: random.torch,
    draws,
  }))
    pairs.push(pair);
  const categories = pairs.map(({ caption }) => ({ ...readCaption(caption) }));
  return implicitReport(pairs, { betaDpo, categories });
}
