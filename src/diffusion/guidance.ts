import { concat, scoped, split, type Tensor } from '../engine';

/** Whether a scale asks for guidance at all: at 1 the formula gives the prediction for the text itself. */
export const isGuided = (guidanceScale: number): boolean => guidanceScale > 1;

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
  (predict: (latents: Tensor) => Tensor, latents: Tensor, guidanceScale: number): Tensor => {
    if (!isGuided(guidanceScale)) return predict(latents);
    const [B = 0] = latents.shape;
    const both = predict(concat([latents, latents], 0)); // [2B, h, w, C]
    const [uncond, text] = split(both, [B, B], 0) as [Tensor, Tensor];
    return uncond.add(text.sub(uncond).mul(guidanceScale));
  },
);
