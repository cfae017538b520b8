/** The paper's best-of-n equivalent: how many draws of the base are worth one of DPO. */
import type { RgbImage } from '../../../data';
import { generateImages, type TextToImage } from '../../../diffusion';
import { loadWorld } from '../../../toyworld/world';
import { trainOnWorld } from '../../../toyworld/world-training';
import { bcaMean, bcMedian, resamples } from '../bca';
import { openScorer } from '../scorers';
import type { ReproduceOptions } from './index';
import type { ReproducedRow, Reproduction } from './rows';
import { type Budget, SCORERS_OF_WORLD, setUp, trainingOf } from './world-budget';

/** Section S4: how many draws of the base it takes until one beats a draw of DPO. */
export async function s4(options: ReproduceOptions): Promise<Reproduction> {
  const { budget } = setUp(options, 's4');
  const world = await loadWorld();
  const run = trainOnWorld(world, trainingOf(budget, options));
  try {
    for await (const _ of run.records) options.signal?.throwIfAborted();
    const rows: ReproducedRow[] = [
      { what: 'SD1.5, PickScore, mean', paper: '25.6', needs: 'SD 1.5, its DPO, PickScore v1' },
      { what: 'SD1.5, PickScore, median', paper: '7', needs: 'the same' },
      { what: 'SDXL, PickScore, mean', paper: '13.7', needs: 'SDXL, its DPO, PickScore v1' },
      { what: 'SDXL, PickScore, median', paper: '3', needs: 'the same' },
    ];
    const prompts = world.heldoutPrompts.slice(0, budget.captions);
    const drawing = { prompts, drawing: budget.drawing };
    // The first seed is DPO's: of the same seed the two pictures are no independent draws.
    const dpo = drawEach({ ...world.base, unet: run.policy }, { ...drawing, seeds: [0] });
    const seeds = Array.from({ length: budget.most }, (_, draw) => draw + 1);
    const base = drawEach(world.base, { ...drawing, seeds }, options.signal);
    for (const name of SCORERS_OF_WORLD) rows.push(...(await rowsOf(name, prompts, { dpo, base })));
    return {
      ...{ name: 's4', title: 'S4: draws of the base that beat one draw of DPO', rows },
      notes: [
        `Capped at 100 in the paper, 500 prompts; at ${budget.most} here, ${budget.captions} captions.`,
      ],
    };
  } finally {
    run.dispose();
    world.dispose();
  }
}

/** Pictures of each prompt, one a seed. */
function drawEach(
  pipeline: TextToImage,
  {
    prompts,
    seeds,
    drawing,
  }: Pick<Budget, 'drawing'> & {
    readonly prompts: readonly string[];
    readonly seeds: readonly number[];
  },
  signal?: AbortSignal,
): RgbImage[][] {
  return prompts.map((prompt) => {
    signal?.throwIfAborted();
    const prompts = new Array<string>(seeds.length).fill(prompt);
    return generateImages(pipeline, { prompt: prompts, seed: [...seeds], ...drawing });
  });
}

async function rowsOf(
  name: string,
  prompts: readonly string[],
  { dpo, base }: { readonly dpo: readonly RgbImage[][]; readonly base: readonly RgbImage[][] },
): Promise<ReproducedRow[]> {
  const scorer = await openScorer(name);
  try {
    const scores = (images: readonly RgbImage[] = [], p: number) =>
      scorer.scoreMany(images, new Array<string>(images.length).fill(prompts[p] ?? ''));
    const counts = dpo.map((images, p) => [
      drawsToBeat(scores(images, p)[0] ?? Number.NaN, scores(base[p], p)),
    ]);
    const drawn = resamples(counts.length);
    return [
      { what: `world, ${name}, mean`, ours: bcaMean(counts, drawn), unit: 'draws' },
      { what: `world, ${name}, median`, ours: bcMedian(counts, drawn), unit: 'draws' },
    ];
  } finally {
    scorer.dispose();
  }
}

/** The first draw, counted from 1, whose score is higher; as many as there are where none is. */
export function drawsToBeat(score: number, draws: readonly number[]): number {
  const first = draws.findIndex((draw) => draw > score);
  return first < 0 ? draws.length : first + 1;
}
