/** Trains the autoencoder of the world. */

import { accumulateGrads, tensor, tidy } from '../../engine';
import type { Vae } from '../../models';
import type { TorchGenerator } from '../../random';
import { type Corpus, corpusPixels } from '../corpus';
import { PICTURE_SIZE } from '../scenes';
import { train } from './train';
import { vaeLoss } from './vae-loss';

export interface VaeTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly checkpoint: string;
}

/** Trains `vae` in place on the corpus; yields every step. */
export function trainVae(vae: Vae, corpus: Corpus, options: VaeTraining) {
  const { batchSize: B, ...plan } = options;
  const latents = [B, PICTURE_SIZE / 4, PICTURE_SIZE / 4, vae.config.latentChannels];
  const latentCount = latents.reduce((product, n) => product * n, 1);
  return train({
    ...plan,
    weights: { vae: vae.parameters },
    warmupSteps: 50,
    optimizer: { beta2: 0.99, weightDecay: 1e-4 },
    emaDecay: 0.99,
    batch: (generator: TorchGenerator) =>
      tidy(() => {
        const chosen = generator.randint(0, corpus.meanings.length, B);
        const pixels = tensor(corpusPixels(corpus, chosen), [B, PICTURE_SIZE, PICTURE_SIZE, 3]);
        const noise = tensor(generator.randn(latentCount), latents);
        const { mse, kl } = accumulateGrads(() => vaeLoss(vae, pixels, noise));
        return { mse: mse.item(), kl: kl.item() };
      }),
  });
}
