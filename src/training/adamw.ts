import type { Moments, Parameters } from '../engine';
import {
  clipFactor,
  momentState,
  normOf,
  type Optimizer,
  type OptimizerStepOptions,
  type StateTensor,
} from './optimizer';

export interface AdamWOptions {
  /** @default 0.9 */
  readonly beta1?: number;
  /** @default 0.999 */
  readonly beta2?: number;
  /** @default 1e-8 */
  readonly epsilon?: number;
  /** Decoupled from the gradient. @default 1e-2 */
  readonly weightDecay?: number;
}

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over one or more sets of weights, with the
 * arithmetic and the defaults of `torch.optim.AdamW`. It owns the moments; the weights are yours.
 */
export class AdamW implements Optimizer {
  private readonly sets: readonly { readonly weights: Parameters; readonly moments: Moments }[];
  private readonly options: Required<AdamWOptions>;
  private steps = 0;

  constructor(
    weights: readonly Parameters[],
    { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 1e-2 }: AdamWOptions = {},
  ) {
    this.options = { beta1, beta2, epsilon, weightDecay };
    this.sets = weights.map((w) => ({
      weights: w.trainable(),
      moments: { m: w.zerosLike(), v: w.zerosLike() },
    }));
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
    for (const { weights, moments } of this.sets)
      weights.adamw(moments, { ...this.options, learningRate, step: this.steps, gradScale });
    return gradNorm;
  }

  /** Number of steps taken: the t of the bias corrections. */
  get stepCount(): number {
    return this.steps;
  }

  zeroGrad(): void {
    for (const { weights } of this.sets) weights.zeroGrad();
  }

  /** Moments of every set, in the order given: for saving, and for bringing back a saved state. */
  get moments(): readonly Moments[] {
    return this.sets.map(({ moments }) => moments);
  }

  get state(): readonly StateTensor[] {
    return this.moments.flatMap(({ m, v }) => [
      ...momentState('exp_avg', m),
      ...momentState('exp_avg_sq', v),
    ]);
  }

  resumeAt(stepCount: number): void {
    this.steps = stepCount;
  }

  dispose(): void {
    for (const { m, v } of this.moments) {
      m.dispose();
      v.dispose();
    }
  }
}
