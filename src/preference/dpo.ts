import { scoped, type Tensor } from '../engine';
import { perRowMse, splitPair } from './pair';

export interface DpoOptions {
  /** Strength of the pull towards the reference, β of the paper times the time steps. @default 5000 */
  readonly betaDpo?: number;
}

/** Every term of the loss; vectors have one entry per pair, [B]. */
export interface DpoTerms {
  /** −log σ(insideTerm), averaged over pairs. */
  readonly loss: Tensor;
  /** Share of pairs that the policy ranks as labelled: insideTerm > 0. */
  readonly implicitAcc: Tensor;
  /** Denoising errors of the policy on the preferred and the rejected image. */
  readonly modelLossesW: Tensor;
  readonly modelLossesL: Tensor;
  /** The same of the reference. */
  readonly refLossesW: Tensor;
  readonly refLossesL: Tensor;
  /** Preferred minus rejected error, of policy and reference. */
  readonly modelDiff: Tensor;
  readonly refDiff: Tensor;
  /** −½ β (modelDiff − refDiff): the logit. Positive where the policy agrees with the label. */
  readonly insideTerm: Tensor;
  /** σ(−insideTerm): how strongly a pair still pulls. ½ at the start, 0 when it is learnt. */
  readonly gradientFactor: Tensor;
}

/**
 * The Diffusion-DPO loss (Wallace et al. 2023, arXiv 2311.12908, eq. 14).
 *
 * Both images of a pair carry the same noise at the same time. `modelPred`, `refPred`: [2B, H, W,
 * C], `target`: the same shape, [2B, H, W, C]; the reference prediction is made without a tape.
 * Upstream: train.py:1121–1145. All in float32.
 */
export const dpoLoss = scoped(
  'dpoLoss',
  (
    modelPred: Tensor,
    refPred: Tensor,
    target: Tensor,
    { betaDpo = 5000 }: DpoOptions = {},
  ): DpoTerms => {
    const { w: modelLossesW, l: modelLossesL } = splitPair(perRowMse(modelPred, target)); // [B]
    const { w: refLossesW, l: refLossesL } = splitPair(perRowMse(refPred, target));

    const modelDiff = modelLossesW.sub(modelLossesL);
    const refDiff = refLossesW.sub(refLossesL);
    const insideTerm = modelDiff.sub(refDiff).mul(-0.5 * betaDpo);

    return {
      loss: insideTerm.neg().softplus().mean(), // −log σ(x) = log(1 + e^−x)
      implicitAcc: insideTerm.greater(0).mean(),
      modelLossesW,
      modelLossesL,
      refLossesW,
      refLossesL,
      modelDiff,
      refDiff,
      insideTerm,
      gradientFactor: insideTerm.neg().sigmoid(),
    };
  },
);
