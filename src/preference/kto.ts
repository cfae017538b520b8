import { concat, noGrad, scoped, type Tensor, tensor } from '../engine';
import { agreement, type Ties } from './implicit-reward';
import { perRowMse, splitPair } from './pair';

/**
 * Human utility U of a gain or a loss x: Kahneman and Tversky's (averse to loss, sated by gain), averse to loss
 * throughout, seeking risk. Names of the original's `--halo`.
 */
export type Halo = 'sigmoid' | 'loss_averse' | 'risk_seeking_3';

export interface KtoOptions {
  /** β. @default 1000 */
  readonly betaDpo?: number;
  /** Weights of desirable and undesirable images. @default 1 */
  readonly lambdaDKto?: number;
  readonly lambdaUKto?: number;
  /** @default 'sigmoid' */
  readonly halo?: Halo;
  /** @default 'strict' */
  readonly implicitAccTies?: Ties;
}

/** Vectors have one entry per pair, [B], or per image, [2B]: the winners', then the losers'. */
export interface KtoTerms {
  readonly loss: Tensor;
  /** Share of images whose utility is on the right side. */
  readonly implicitAcc: Tensor;
  readonly modelLossesW: Tensor;
  readonly modelLossesL: Tensor;
  readonly refLossesW: Tensor;
  readonly refLossesL: Tensor;
  /** ±β (g − Q), + for winners, [2B]. */
  readonly insideTerm: Tensor;
  /** λ U′(insideTerm), [2B]. */
  readonly gradientFactor: Tensor;
  /** The reference point Q: the mean of g over the batch where that is positive, else 0. */
  readonly referencePoint: Tensor;
}

/**
 * Diffusion-KTO (Li et al. 2024, arXiv 2404.04465, eq. 8) on pairs: each winner is a desirable image, each loser an
 * undesirable one.
 *
 * ℓ = λ (1 − U(±β (g − Q))), g = refLoss − modelLoss of each image, Q = max(0, mean g), of which no gradient is taken.
 * `modelPred`, `refPred`, `target`: [2B, H, W, C]. Upstream: jacklishufan/diffusion-kto, train_kto_sd_v1.5.py,
 * `--loss kto`, on one process.
 */
export const ktoLoss = scoped(
  'ktoLoss',
  (
    modelPred: Tensor,
    refPred: Tensor,
    target: Tensor,
    {
      betaDpo = 1000,
      lambdaDKto = 1,
      lambdaUKto = 1,
      halo = 'sigmoid',
      ...options
    }: KtoOptions = {},
  ): KtoTerms => {
    const modelLosses = perRowMse(modelPred, target); // [2B]
    const refLosses = perRowMse(refPred, target);
    const g = refLosses.sub(modelLosses);
    const referencePoint = noGrad(() => g.mean().maximum(0));
    const insideTerm = g.sub(referencePoint).mul(eachHalf(g, betaDpo, -betaDpo));

    const weight = eachHalf(g, lambdaDKto, lambdaUKto);
    const { value, slope } = utilities[halo](insideTerm);
    const { w: modelLossesW, l: modelLossesL } = splitPair(modelLosses); // [B]
    const { w: refLossesW, l: refLossesL } = splitPair(refLosses);
    return {
      loss: value.neg().add(1).mul(weight).mean(),
      implicitAcc: agreement(insideTerm, options.implicitAccTies),
      ...{ modelLossesW, modelLossesL, refLossesW, refLossesL },
      ...{ insideTerm, gradientFactor: slope.mul(weight), referencePoint },
    };
  },
);

/** U and U′. */
const utilities = {
  sigmoid: (x) => {
    const value = x.sigmoid();
    return { value, slope: value.mul(x.neg().sigmoid()) };
  },
  loss_averse: (x) => ({ value: x.neg().softplus().neg(), slope: x.neg().sigmoid() }), // log σ(x)
  risk_seeking_3: (x) => ({ value: x.softplus(), slope: x.sigmoid() }), // −log σ(−x)
} as const satisfies Record<Halo, (x: Tensor) => { value: Tensor; slope: Tensor }>;

/** One number for the winners' and one for the losers' half of `like`: [2B]. */
function eachHalf({ size }: Tensor, w: number, l: number): Tensor {
  const half = (value: number) => tensor(new Float32Array(size / 2).fill(value), [size / 2]);
  return concat([half(w), half(l)], 0);
}
