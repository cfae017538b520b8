/** Every number of the world's making that is a choice: sizes, seeds, budgets. */
export const RECIPE = {
  corpus: { count: 20_000, seed: 101 },
  vae: { steps: 2400, batchSize: 32, learningRate: 2e-3, seed: 1 },
  base: { steps: 5000, batchSize: 48, learningRate: 1.2e-3, seed: 2 },
  pairs: {
    train: { count: 4000, split: 'train', seed: 11 },
    heldout: { count: 400, split: 'heldout', seed: 12 },
  },
} as const;
