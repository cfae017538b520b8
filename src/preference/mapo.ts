import { scoped, type Tensor } from '../engine';
import { agreement, type Ties } from './implicit-reward';
import { perRowMse, splitPair } from './pair';

export interface MapoOptions {
  /** Weight of the margin beside the winner's own error. @default 0.1 */
  readonly betaMapo?: number;
  /** The constant s that stands for the signal-to-noise ratio. @default 0.5 */
  readonly snrValue?: number;
  /** T, which carries the margin from one step to the whole way. @default 1000 */
  readonly numTrainTimesteps?: number;
  /** @default 'strict' */
  readonly implicitAccTies?: Ties;
}

/** Vectors have one entry per pair, [B]. */
export interface MapoTerms {
  readonly loss: Tensor;
  readonly implicitAcc: Tensor;
  readonly modelLossesW: Tensor;
  readonly modelLossesL: Tensor;
  /** T · (f(m_w) − f(m_l)): the logit. */
  readonly insideTerm: Tensor;
  /** β σ(−insideTerm). */
  readonly gradientFactor: Tensor;
}

/**
 * Margin-aware preference optimisation (Hong et al. 2024, arXiv 2406.06424, eq. 9): no reference. The winner is
 * fine-tuned on, and the likelihoods of winner and loser are pushed apart.
 *
 * ℓ = m_w − β log σ(T · (f(m_w) − f(m_l))), f(m) = s m / (e^{s m} − 1), m being the errors of the two images.
 * `modelPred`, `target`: [2B, H, W, C]. Upstream: mapo-t2i/mapo, utils.py `compute_loss`.
 */
export const mapoLoss = scoped(
  'mapoLoss',
  (
    modelPred: Tensor,
    target: Tensor,
    { betaMapo = 0.1, snrValue = 0.5, numTrainTimesteps = 1000, ...options }: MapoOptions = {},
  ): MapoTerms => {
    const losses = perRowMse(modelPred, target);
    const { w: modelLossesW, l: modelLossesL } = splitPair(losses); // [B]
    const { w: likelihoodW, l: likelihoodL } = splitPair(likelihood(losses.mul(snrValue)));
    const insideTerm = likelihoodW.sub(likelihoodL).mul(numTrainTimesteps);

    const ratio = insideTerm.neg().softplus(); // −log σ(x)
    return {
      loss: modelLossesW.mean().add(ratio.mean().mul(betaMapo)),
      implicitAcc: agreement(insideTerm, options.implicitAccTies),
      ...{ modelLossesW, modelLossesL, insideTerm },
      gradientFactor: insideTerm.neg().sigmoid().mul(betaMapo),
    };
  },
);

/**
 * u / (e^u − 1), as h / tanh(h) − h with h = u/2: e^u − 1 loses its digits where u is small, and overflows where it is
 * large. 1 at u = 0.
 */
function likelihood(u: Tensor): Tensor {
  const h = u.mul(0.5).maximum(1e-20);
  return h.div(h.tanh()).sub(h);
}
