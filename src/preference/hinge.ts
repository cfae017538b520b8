import { scoped, type Tensor } from '../engine';
import type { DpoOptions, DpoTerms } from './dpo';
import { implicitReward } from './implicit-reward';

/**
 * The hinge loss of SLiC (Zhao et al. 2023, arXiv 2305.10425, eq. 2) on DPO's reward difference: a pair pulls with all
 * its weight until its margin is 1, and then not at all.
 *
 * ℓ = max(0, 1 − insideTerm): `--loss_type hinge` of diffusers' train_diffusion_dpo.py, whose `beta_dpo` is half of
 * ours. Shapes and terms as in `dpoLoss`.
 */
export const hingeLoss = scoped(
  'hingeLoss',
  (
    modelPred: Tensor,
    refPred: Tensor,
    target: Tensor,
    { betaDpo = 5000, ...options }: DpoOptions = {},
  ): DpoTerms => {
    const reward = implicitReward(modelPred, refPred, target, { betaDpo, ...options });
    const missing = reward.insideTerm.neg().add(1);
    return {
      loss: missing.maximum(0).mean(),
      gradientFactor: missing.greater(0),
      ...reward,
    };
  },
);
