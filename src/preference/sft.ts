import { scoped, type Tensor } from '../engine';

/**
 * Supervised fine-tuning: the plain denoising error (Ho et al. 2020, eq. 14), on preferred images
 * only. `modelPred`, `target`: [B, H, W, C] → scalar. Upstream: train.py:1114, `--sft`.
 */
export const sftLoss = scoped('sftLoss', (modelPred: Tensor, target: Tensor) => ({
  loss: modelPred.sub(target).square().mean(),
}));
