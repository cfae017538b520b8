/** How much is trained and drawn in the embedded world. */
import { join, resolve } from 'node:path';
import { DRAWING } from '../../../toyworld/making/pairs';
import { WORLD_RECIPE } from '../../../toyworld/world-training';
import type { ReproduceOptions } from './index';

export const SCORERS_OF_WORLD = ['judge', 'faithful', 'embedded'];

export interface Budget {
  readonly maxTrainSteps: number;
  readonly captions: number;
  readonly drawing: { readonly numInferenceSteps: number; readonly guidanceScale: number };
  readonly betas: readonly number[];
  /** Base draws of each prompt. */
  readonly most: number;
  readonly trainPairs: number;
}

const BUDGETS: Readonly<Record<'small' | 'full', Budget>> = {
  small: {
    ...{ maxTrainSteps: 1, captions: 2, betas: [100, 1000], most: 2, trainPairs: 64 },
    drawing: { ...DRAWING, numInferenceSteps: 2 },
  },
  full: {
    ...{ maxTrainSteps: WORLD_RECIPE.maxTrainSteps, captions: 100 },
    ...{ betas: [30, 300, 1000, 3000, 30_000], most: 32, trainPairs: Number.POSITIVE_INFINITY },
    drawing: DRAWING,
  },
};

/** What `budget` stands for, and the folder of its results. */
export const setUp = (
  { budget = 'full', outputDir = join('runs', 'reproduce') }: ReproduceOptions,
  name: string,
) => ({
  budget: BUDGETS[budget],
  folder: resolve(outputDir, `${name}-${budget}`),
});

export const trainingOf = ({ maxTrainSteps }: Budget, { signal }: ReproduceOptions) => ({
  maxTrainSteps,
  ...(signal ? { signal } : {}),
});
