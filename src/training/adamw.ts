import type { Moments, Parameters } from '../engine';

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
export class AdamW {
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

  /** L2 norm of all gradients together, as `torch.nn.utils.clip_grad_norm_` measures it. */
  gradNorm(): number {
    return Math.sqrt(this.sets.reduce((sum, { weights }) => sum + weights.squaredGradNorm(), 0));
  }

  /**
   * One step with the gradients collected since the last, which it sets to zero.
   * @param maxGradNorm gradients longer than this are scaled down to it
   * @param gradNorm what `gradNorm()` said, where it was asked already
   * @returns the norm before clipping
   */
  step(learningRate: number, { maxGradNorm = Infinity, gradNorm = this.gradNorm() } = {}): number {
    const gradScale = Math.min(1, maxGradNorm / (gradNorm + 1e-6)); // 1e-6 is clip_grad_norm_'s
    this.steps += 1;
    for (const { weights, moments } of this.sets)
      weights.adamw(moments, { ...this.options, learningRate, step: this.steps, gradScale });
    return gradNorm;
  }

  /** Number of steps taken: the t of the bias corrections. */
  get stepCount(): number {
    return this.steps;
  }

  /** Forgets the collected gradients. */
  zeroGrad(): void {
    for (const { weights } of this.sets) weights.zeroGrad();
  }

  /** Moments of every set, in the order given: for saving, and for bringing back a saved state. */
  get moments(): readonly Moments[] {
    return this.sets.map(({ moments }) => moments);
  }

  /** Sets the count of steps taken, after the moments were brought back. */
  resumeAt(stepCount: number): void {
    this.steps = stepCount;
  }

  dispose(): void {
    for (const { moments } of this.sets) {
      moments.m.dispose();
      moments.v.dispose();
    }
  }
}
