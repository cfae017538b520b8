/** What the training loop asks of an optimizer, and what a checkpoint keeps of it. */
import type { Parameters } from '../engine';

/** One array of an optimizer's state: to be saved, and to be brought back. */
export interface StateTensor {
  /** The weight's name, and after it PyTorch's of the moment: `conv_in.weight.exp_avg`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** A copy of the numbers as they are when it is called. */
  readonly data: () => Float32Array;
  /** @throws RangeError on another length */
  readonly write: (data: Float32Array) => void;
}

/** How a step is taken. */
export interface OptimizerStepOptions {
  /** Gradients that are longer than this, all together, are scaled down to it. @default Infinity */
  readonly maxGradNorm?: number;
  /** What `gradNorm()` said, where it was asked already. */
  readonly gradNorm?: number;
}

/** Changes weights by the gradients collected in them. It owns its moments; the weights are yours. */
export interface Optimizer {
  /** L2 norm of all gradients together, as `torch.nn.utils.clip_grad_norm_` measures it. */
  gradNorm(): number;
  /**
   * One step with the gradients collected since the last, which it sets to zero.
   * @returns the norm before clipping
   */
  step(learningRate: number, options?: OptimizerStepOptions): number;
  /** Forgets the collected gradients. */
  zeroGrad(): void;
  /** Number of steps taken. */
  readonly stepCount: number;
  /** Everything that a resumed run needs besides the step count. */
  readonly state: readonly StateTensor[];
  /** Sets the count of steps taken, after the state was brought back. */
  resumeAt(stepCount: number): void;
  dispose(): void;
}

/** The gradient norm of several sets of weights. */
export const normOf = (sets: readonly { readonly weights: Parameters }[]): number =>
  Math.sqrt(sets.reduce((sum, { weights }) => sum + weights.squaredGradNorm(), 0));

/** Factor on gradients of norm `gradNorm` that brings them down to `maxGradNorm`; at most 1. */
export const clipFactor = (gradNorm: number, maxGradNorm: number): number =>
  Math.min(1, maxGradNorm / (gradNorm + 1e-6)); // 1e-6 is clip_grad_norm_'s

/** One moment of every weight; `shapeOf` tells its shape where that is not the stored one. */
export function momentState(
  moment: string,
  values: Parameters,
  shapeOf: (weight: string) => readonly number[] = (weight) => values.shape(weight),
): StateTensor[] {
  return values.names.map((weight) => ({
    name: `${weight}.${moment}`,
    shape: shapeOf(weight),
    data: () => values.read(weight),
    write: (data) => values.write(weight, data),
  }));
}
