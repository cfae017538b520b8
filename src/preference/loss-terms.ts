import type { Tensor } from '../engine';

/** What a loss tells besides its value; a term that a loss does not have is absent. */
export interface LossTerms {
  /** What is minimised: a scalar. */
  readonly loss: Tensor;
  /** Share of pairs (of pictures: KTO) that the policy ranks as labelled: a scalar. */
  readonly implicitAcc?: Tensor;
  /** The margin that the loss is a function of; positive where the policy agrees with the label. */
  readonly insideTerm?: Tensor;
  /** How strongly an entry of `insideTerm` still pulls: −∂ℓ/∂insideTerm, ℓ being its own part of the loss. */
  readonly gradientFactor?: Tensor;
  /** Denoising errors of the policy on the preferred and the rejected image, [B]. */
  readonly modelLossesW?: Tensor;
  readonly modelLossesL?: Tensor;
  /** The same of the reference. */
  readonly refLossesW?: Tensor;
  readonly refLossesL?: Tensor;
}
