import { scoped, type Tensor } from '../engine';
import type { DpoOptions, DpoTerms } from './dpo';
import { implicitReward } from './implicit-reward';

/**
 * Identity preference optimisation (Azar et al. 2023, arXiv 2310.12036, eq. 17): the reward difference is regressed on
 * 1/(2β), so that a pair stops pulling when it is learnt, and pulls back when it is overdone.
 *
 * ℓ = (h − 1/(2β))², h = refDiff − modelDiff, β = ½ betaDpo: `--loss_type ipo` of diffusers'
 * train_diffusion_dpo.py, whose `args.beta` does not exist and can only mean `beta_dpo`, which is half of ours. With
 * insideTerm = βh the target is insideTerm = ½ at every β. Shapes and terms as in `dpoLoss`.
 */
export const ipoLoss = scoped(
  'ipoLoss',
  (
    modelPred: Tensor,
    refPred: Tensor,
    target: Tensor,
    { betaDpo = 5000, ...options }: DpoOptions = {},
  ): DpoTerms => {
    const reward = implicitReward(modelPred, refPred, target, { betaDpo, ...options });
    const beyond = reward.refDiff.sub(reward.modelDiff).sub(1 / betaDpo); // h − 1/(2β)
    return {
      loss: beyond.square().mean(),
      gradientFactor: beyond.mul(-4 / betaDpo), // −∂ℓ/∂h · ∂h/∂insideTerm
      ...reward,
    };
  },
);
