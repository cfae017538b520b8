// B captions or pairs, S × S pixels
import { logSoftmax, scoped, stack, type Tensor } from '../../engine';
import { type ClipModel, imageEmbeds, logitScale, textEmbeds } from '../../models';

/**
 * PickScore's loss: the cross entropy between the label and the softmax of both pictures' scores,
 * with ½ for both where the label is a tie (Kirstain et al. 2023, equations 1 and 2).
 * @param pixelValues normalised: all first pictures, then all second ones, [2B, S, S, 3]
 * @param inputIds int32 [B, L]
 * @param label0 1, ½ or 0: share of the first picture, [B]
 */
export const pickScoreLoss = scoped(
  'pickScoreLoss',
  (clip: ClipModel, pixelValues: Tensor, inputIds: Tensor, label0: Tensor): Tensor => {
    const chances = logSoftmax(pairScores(clip, pixelValues, inputIds)); // [B, 2]
    const wanted = stack([label0, label0.neg().add(1)], 1);
    return chances.mul(wanted).sum(1).mean().neg();
  },
);

/** Scaled cosines of each caption with its two pictures, [B, 2]. Arguments as of `pickScoreLoss`. */
export const pairScores = scoped(
  'pairScores',
  (clip: ClipModel, pixelValues: Tensor, inputIds: Tensor): Tensor => {
    const [B = 0] = inputIds.shape;
    const texts = textEmbeds(clip, inputIds).normalised; // [B, D]
    const D = texts.shape[1] ?? 0;
    const images = imageEmbeds(clip, pixelValues).normalised.reshape([2, B, D]);
    const cosines = images.mul(texts.expandDims(0)).sum(2); // [2, B]
    return cosines.transpose([1, 0]).mul(logitScale(clip));
  },
);
