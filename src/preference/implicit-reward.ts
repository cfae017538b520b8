import type { Tensor } from '../engine';
import { perRowMse, splitPair } from './pair';

/** How pairs are judged that policy and reference rank by exactly as much: not at all, or as half a hit. */
export type Ties = 'strict' | 'half';

export interface ImplicitRewardOptions {
  /** Strength of the pull towards the reference, β of the paper times the time steps. */
  readonly betaDpo: number;
  /** @default 'strict' (train.py's; the script of diffusers counts `half`) */
  readonly implicitAccTies?: Ties;
  /**
   * What the reference's errors are rounded to. The original in fp16 has them in half precision and the policy's in
   * float32, so that a policy equal to its reference does not start at ln 2. @default 'float32'
   */
  readonly referenceErrors?: 'float32' | 'bfloat16';
}

/** How policy and reference judge pairs; vectors have one entry per pair, [B]. */
export interface ImplicitReward {
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
}

/**
 * r̂(x_w) − r̂(x_l), the difference of implicit rewards that DPO and its relatives are functions of (Wallace et al.
 * 2023, eq. 14). `modelPred`, `refPred`, `target`: [2B, H, W, C]. Upstream: train.py:1121–1138.
 */
export function implicitReward(
  modelPred: Tensor,
  refPred: Tensor,
  target: Tensor,
  { betaDpo, implicitAccTies, referenceErrors = 'float32' }: ImplicitRewardOptions,
): ImplicitReward {
  const { w: modelLossesW, l: modelLossesL } = splitPair(perRowMse(modelPred, target)); // [B]
  const refLosses = perRowMse(refPred, target).cast(referenceErrors).cast('float32');
  const { w: refLossesW, l: refLossesL } = splitPair(refLosses);

  const modelDiff = modelLossesW.sub(modelLossesL);
  const refDiff = refLossesW.sub(refLossesL);
  const insideTerm = modelDiff.sub(refDiff).mul(-0.5 * betaDpo);

  const implicitAcc = agreement(insideTerm, implicitAccTies);
  return {
    implicitAcc,
    ...{ modelLossesW, modelLossesL, refLossesW, refLossesL },
    ...{ modelDiff, refDiff, insideTerm },
  };
}

/** Share of the logits [N] that are positive; ties count as told. → scalar */
export function agreement(insideTerm: Tensor, ties: Ties = 'strict'): Tensor {
  const hits = insideTerm.greater(0);
  if (ties === 'strict') return hits.mean();
  return hits.sub(insideTerm.neg().greater(0)).add(1).mul(0.5).mean(); // 1, ½ or 0
}
