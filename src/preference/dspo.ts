import { scoped, type Tensor } from '../engine';
import type { DpoOptions, DpoTerms } from './dpo';
import { implicitReward } from './implicit-reward';
import { perRowMse, splitPair } from './pair';

/**
 * Direct score preference optimisation (Zhu et al. 2025, ICLR), as its authors train Stable Diffusion 1.5: the winner's
 * target is moved against the policy's change from the reference, by as much as the pair is not yet learnt.
 *
 * ℓ = mean (ε_θ(x_w) − ε − β (1 − σ(insideTerm)) (ε_θ(x_w) − ε_ref(x_w)))², gradients through the weight as well.
 * `gradientFactor` is the weight 1 − σ(insideTerm). At the start it is plain fine-tuning on winners. betaDpo 0.001 is
 * the authors' launcher's. Shapes and terms as in `dpoLoss`. Upstream: huaishengzhu/DSPO, train.py.
 */
export const dspoLoss = scoped(
  'dspoLoss',
  (
    modelPred: Tensor,
    refPred: Tensor,
    target: Tensor,
    { betaDpo = 0.001, ...options }: DpoOptions = {},
  ): DpoTerms => {
    const reward = implicitReward(modelPred, refPred, target, { betaDpo, ...options });
    const unlearnt = reward.insideTerm.neg().sigmoid(); // 1 − σ(x), [B]

    const shape = [unlearnt.size, ...modelPred.shape.slice(1).map(() => 1)]; // [B, 1, 1, 1]
    const { w: change } = splitPair(modelPred.sub(refPred));
    const { w: pred } = splitPair(modelPred);
    const { w: noise } = splitPair(target);
    const moved = noise.add(change.mul(unlearnt.reshape(shape)).mul(betaDpo));
    return { loss: perRowMse(pred, moved).mean(), gradientFactor: unlearnt, ...reward };
  },
);
