import { adafactorShapes, type FactoredMoments, type Parameters } from '../engine';
import {
  clipFactor,
  momentState,
  normOf,
  type Optimizer,
  type OptimizerStepOptions,
  type StateTensor,
} from './optimizer';

export interface AdafactorOptions {
  /** Added to the squares of gradients: `eps[0]`. @default 1e-30 */
  readonly epsilon?: number;
  /** Root mean square that the update of a weight may have. @default 1 */
  readonly clipThreshold?: number;
  /** β₂ of step t is 1 − t^decayRate. @default -0.8 */
  readonly decayRate?: number;
  /** Decoupled from the gradient. @default 1e-2 */
  readonly weightDecay?: number;
}

/**
 * Adafactor (Shazeer and Stern 2018, arXiv 1804.04235) over one or more sets of weights, with the arithmetic of
 * transformers' `Adafactor` as the original uses it: `scale_parameter=False, relative_step=False, beta1=None`, at the
 * rate it is told. Second moments of matrices are kept as means of their rows and columns, so that its state is a
 * hundredth of AdamW's. Upstream: train.py:666–675, `--use_adafactor`.
 */
export class Adafactor implements Optimizer {
  private readonly sets: readonly {
    readonly weights: Parameters;
    readonly moments: FactoredMoments;
  }[];
  private readonly options: Required<AdafactorOptions>;
  private steps = 0;

  /** @throws RangeError for a weight that is no vector, matrix or convolution */
  constructor(
    weights: readonly Parameters[],
    {
      epsilon = 1e-30,
      clipThreshold = 1,
      decayRate = -0.8,
      weightDecay = 1e-2,
    }: AdafactorOptions = {},
  ) {
    this.options = { epsilon, clipThreshold, decayRate, weightDecay };
    this.sets = weights.map((w) => ({ weights: w.trainable(), moments: w.adafactorMoments() }));
  }

  gradNorm(): number {
    return normOf(this.sets);
  }

  step(
    learningRate: number,
    { maxGradNorm = Infinity, gradNorm = this.gradNorm() }: OptimizerStepOptions = {},
  ): number {
    const gradScale = clipFactor(gradNorm, maxGradNorm);
    this.steps += 1;
    const beta2 = 1 - this.steps ** this.options.decayRate; // 0 in the first step
    for (const { weights, moments } of this.sets)
      weights.adafactor(moments, { ...this.options, learningRate, beta2, gradScale });
    return gradNorm;
  }

  /** Number of steps taken: the t of β₂. */
  get stepCount(): number {
    return this.steps;
  }

  zeroGrad(): void {
    for (const { weights } of this.sets) weights.zeroGrad();
  }

  get state(): readonly StateTensor[] {
    return this.sets.flatMap(({ weights, moments: { row, column } }) => {
      const isFactored = (weight: string) => weights.shape(weight).length > 1;
      const rows = momentState('exp_avg_sq_row', row, (w) => adafactorShapes(weights.shape(w)).row);
      const columns = momentState(
        'exp_avg_sq_col',
        column,
        (w) => adafactorShapes(weights.shape(w)).column,
      );
      const squares = momentState('exp_avg_sq', column);
      return weights.names.flatMap((weight, i) => {
        const kept = isFactored(weight) ? [rows[i], columns[i]] : [squares[i]];
        return kept as StateTensor[];
      });
    });
  }

  resumeAt(stepCount: number): void {
    this.steps = stepCount;
  }

  dispose(): void {
    for (const { moments } of this.sets) {
      moments.row.dispose();
      moments.column.dispose();
    }
  }
}
