/** Every number of the world's making that is a choice: sizes, seeds, budgets. Steps and rates of training. */
export const RECIPE = {
  corpus: { count: 20_000, seed: 101 },
  vae: { steps: 2400, batchSize: 32, learningRate: 2e-3, seed: 1 },
  base: { steps: 5000, batchSize: 48, learningRate: 1.2e-3, seed: 2, minSnrFrom: 2109 },
  pairs: {
    train: { count: 3520, split: 'train', seed: 11 },
    heldout: { count: 384, split: 'heldout', seed: 12 },
  },
  /** Held-out captions to draw, and how many of them the base is measured on. */
  prompts: { count: 400, measured: 300, seed: 13 },
  contrast: { steps: 700, batchSize: 64, learningRate: 1e-3, seed: 3 },
  preference: { steps: 500, batchSize: 32, learningRate: 2e-4, seed: 4 },
  /** Last training pairs, kept to choose when to stop. */
  validationPairs: 400,
} as const;
