import { concat, scoped, split, type Tensor } from '../engine';

/** Whether a scale asks for guidance at all: at 1 the formula gives the prediction for the text itself. */
export const isGuided = (guidanceScale: number): boolean => guidanceScale > 1;

/** How far predictions are guided. */
export interface Guidance {
  readonly guidanceScale: number;
  /** Share of the guided prediction that gets the contrast of the one for the text, 0 to 1. @default 0 */
  readonly guidanceRescale?: number;
}

/**
 * Classifier-free guidance (Ho and Salimans 2022, eq. 6; scale = 1 + their w): one pass over both
 * halves of the batch, the unconditional one first.
 *
 * @param predict the model on a batch that its conditioning was made for: [2B, …] where guided, else [B, …]
 * @param latents [B, h, w, C]
 * @returns [B, h, w, C]
 */
export const guidedPrediction = scoped(
  'guidedPrediction',
  (predict: (latents: Tensor) => Tensor, latents: Tensor, guidance: Guidance): Tensor => {
    const { guidanceScale, guidanceRescale = 0 } = guidance;
    if (!isGuided(guidanceScale)) return predict(latents);
    const [B = 0] = latents.shape;
    const both = predict(concat([latents, latents], 0)); // [2B, h, w, C]
    const [uncond, text] = split(both, [B, B], 0) as [Tensor, Tensor];
    const guided = uncond.add(text.sub(uncond).mul(guidanceScale));
    return guidanceRescale > 0 ? rescaled(guided, text, guidanceRescale) : guided;
  },
);

/** Mixes in as much of `guided` with the standard deviation of `text`, picture by picture (Lin et al. 2023, section 3.4). */
function rescaled(guided: Tensor, text: Tensor, share: number): Tensor {
  const ratio = spread(text).div(spread(guided)).sqrt(); // σ_text / σ_guided, [B, 1, 1, 1]
  return guided
    .mul(ratio)
    .mul(share)
    .add(guided.mul(1 - share));
}

/** Mean squared distance from the mean, of each picture: [B, h, w, C] → [B, 1, 1, 1]. */
function spread(x: Tensor): Tensor {
  const each = x.sub(x.mean([1, 2, 3], { keepDims: true }));
  return each.square().mean([1, 2, 3], { keepDims: true });
}
