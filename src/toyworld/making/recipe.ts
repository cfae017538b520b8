/** Every number of the world's making that is a choice: sizes, seeds, budgets. Steps and rates of training. */

import { join } from 'node:path';

/** One making of the world: what is made, and where its stages leave their results. */
export interface Making {
  readonly recipe: Recipe;
  readonly workshop: string;
}

export type Recipe = typeof RECIPE;

/** A making in `workshop` of the part `scale` of everything, above 0 up to 1. */
export const makingIn = (workshop: string, scale: number): Making => ({
  recipe: recipeAt((full) => Math.max(1, Math.round(scale * full))),
  workshop,
});

/** Where one result of a making lies. */
export const resultOf = ({ workshop }: Making, ...names: readonly string[]): string =>
  join(workshop, ...names);

const recipeAt = (part: (full: number) => number) => ({
  corpus: { count: part(20_000), seed: 101 },
  vae: { steps: part(2400), batchSize: 32, learningRate: 2e-3, seed: 1 },
  base: { steps: part(5000), batchSize: 48, learningRate: 1.2e-3, seed: 2 },
  pairs: {
    train: { count: part(6912), split: 'train' as const, seed: 11 },
    heldout: { count: part(1024), split: 'heldout' as const, seed: 12 },
  },
  /** Held-out captions to draw, and how many of them the base is measured on. */
  prompts: { count: part(400), measured: part(300), seed: 13 },
  naming: { steps: part(2000), batchSize: 64, learningRate: 1e-3, seed: 3 },
  preference: { steps: part(1200), batchSize: 32, learningRate: 3e-4, seed: 4, crossShare: 0.4 },
  /** Last training pairs, kept to choose when to stop. */
  validationPairs: part(512),
});

/** The whole world, as it is committed. */
export const RECIPE = recipeAt((full) => full);
