/**
 * `npm run proof`: does DPO work in the embedded world, and is it the preferences that do it? Three seeds of
 * DPO, and beside them, same budget: SFT on winners, SFT on random "winners", DPO with random and with reversed
 * labels. Prints the table; keeps every number in runs/<id>/.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RgbImage } from '../data/image';
import type { MixedPrecision } from '../engine';
import { formatRate } from '../scoring';
import { assess, type Comparison, compare, type Drawn, drawPrompts } from '../toyworld/comparison';
import { loadWorld, type World } from '../toyworld/world';
import { trainOnWorld, WORLD_RECIPE, type WorldTraining } from '../toyworld/world-training';
import { createRunFolder } from '../training';
import { computedPrecision } from './args';
import { ProgressLine } from './progress-line';
import { proofArgs } from './proof-args';

/** What is trained under which title. */
type Run = readonly [title: string, options: WorldTraining];

const controls: readonly Run[] = [
  ['SFT on winners', { method: 'sft' }],
  ['SFT on random winners', { method: 'sft', labels: 'random' }],
  ['DPO, random labels', { labels: 'random' }],
  ['DPO, reversed labels', { labels: 'reversed' }],
];

/** Seed of the first held-out picture; training seeds are small numbers. */
const EVALUATION_SEED = 777_000;

/** Draws all held-out prompts with a progress line. */
function draw(
  pipeline: World['base'],
  prompts: readonly string[],
  label: string,
  mixedPrecision: MixedPrecision = 'no',
): RgbImage[] {
  const line = new ProgressLine(label, 'picture');
  const images: RgbImage[] = [];
  for (const chunk of drawPrompts(pipeline, prompts, { seed: EVALUATION_SEED, mixedPrecision })) {
    images.push(...chunk);
    line.update(images.length, prompts.length);
  }
  return images;
}

/** Trains one policy and compares its held-out pictures with the base's. */
async function prove(
  world: World,
  title: string,
  options: WorldTraining,
  base: Drawn,
): Promise<Comparison> {
  const run = trainOnWorld(world, options);
  try {
    const line = new ProgressLine(`${title}: training`, 'step');
    for await (const { step, maxTrainSteps } of run.records) line.update(step, maxTrainSteps);
    const pipeline = { ...world.base, unet: run.policy };
    const images = draw(pipeline, base.prompts, `${title}: drawing`, options.mixedPrecision);
    return compare(assess(images, base.prompts, world.scorer), base);
  } finally {
    run.dispose();
  }
}

const columns = ['judge', 'faithful', 'scorer'] as const;

function row(title: string, result: Comparison): string {
  const rates = columns.map((column) => formatRate(result[column]).padEnd(31));
  const { utility, variety } = result;
  const worth = `${utility.base.toFixed(2)} → ${utility.tuned.toFixed(2)}`;
  const spread = `${variety.base.pixelDeviation.toFixed(0)} → ${variety.tuned.pixelDeviation.toFixed(0)}`;
  return `${title.padEnd(22)} ${rates.join(' ')} ${worth.padEnd(13)} ${spread}`;
}

async function main(): Promise<void> {
  const args = proofArgs(process.argv.slice(2));
  const { captions, steps: maxTrainSteps, seeds, output } = args;
  const mixedPrecision = computedPrecision(args.mixed_precision, console.error);
  const started = performance.now();
  const world = await loadWorld();
  const config = { ...WORLD_RECIPE, maxTrainSteps, captions, seeds, mixedPrecision };
  const folder = createRunFolder(resolve(output), 'proof', config);
  const prompts = world.heldoutPrompts.slice(0, captions);
  const drawn = draw(world.base, prompts, 'base: drawing', mixedPrecision);
  const base = assess(drawn, prompts, world.scorer);
  const results: Record<string, Comparison> = {};
  const runs = seeds.map((seed): Run => [`DPO, seed ${seed}`, { seed }]);
  for (const [title, options] of [...runs, ...controls]) {
    const result = await prove(world, title, { ...options, maxTrainSteps, mixedPrecision }, base);
    results[title] = result;
    folder.log({ title, ...options, result });
  }
  writeFileSync(folder.file('proof.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  const heads = columns.map((column) => `wins by ${column}`.padEnd(31)).join(' ');
  console.log(
    `\nWin rates over the base on ${prompts.length} held-out captions, 95 % paired bootstrap interval.\n`,
  );
  console.log(`${''.padEnd(22)} ${heads} ${'utility'.padEnd(13)} pixel variety`);
  for (const [title, result] of Object.entries(results)) console.log(row(title, result));
  const minutes = (performance.now() - started) / 60_000;
  console.log(`\n${minutes.toFixed(1)} minutes; every number is in ${folder.path}`);
  world.dispose();
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
