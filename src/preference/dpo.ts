import { scoped, type Tensor } from '../engine';
import { type ImplicitReward, type ImplicitRewardOptions, implicitReward } from './implicit-reward';

export interface DpoOptions extends Partial<ImplicitRewardOptions> {
  /** Strength of the pull towards the reference, β of the paper times the time steps. @default 5000 */
  readonly betaDpo?: number;
}

/** Every term of the loss; vectors have one entry per pair, [B]. */
export interface DpoTerms extends ImplicitReward {
  /** −log σ(insideTerm), averaged over pairs. */
  readonly loss: Tensor;
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
    { betaDpo = 5000, ...options }: DpoOptions = {},
  ): DpoTerms => {
    const reward = implicitReward(modelPred, refPred, target, { betaDpo, ...options });
    const { insideTerm } = reward;
    return {
      loss: insideTerm.neg().softplus().mean(), // −log σ(x) = log(1 + e^−x)
      gradientFactor: insideTerm.neg().sigmoid(),
      ...reward,
    };
  },
);
