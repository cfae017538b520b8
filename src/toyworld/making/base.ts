// N pictures of the corpus, B in a batch; h × w × Z latents; L tokens
/** Trains text encoder and UNet of the base model together, on latents of the corpus. */

import { addNoise, alphaCumprodAt, type NoiseSchedule } from '../../diffusion';
import { accumulateGrads, gather, noGrad, type Tensor, tensor, tidy } from '../../engine';
import { type ClipText, clipText, encode, type UNet, unet, type Vae } from '../../models';
import type { ClipTokenizer } from '../../models/tokenizer';
import type { TorchGenerator } from '../../random';
import { type Corpus, corpusCaptions, corpusPixels } from '../corpus';
import { Draws } from '../draws';
import { PICTURE_SIZE } from '../scenes';
import { train } from './train';

/** What is trained, and what it is trained with. */
export interface BaseParts {
  readonly unet: UNet;
  readonly textEncoder: ClipText;
  readonly tokenizer: ClipTokenizer;
  readonly schedule: NoiseSchedule;
  readonly corpus: Corpus;
  /** Scaled latents of the corpus, [N, h, w, Z]. */
  readonly latents: Tensor;
}

export interface BaseTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly checkpoint: string;
}

/** Share of captions replaced by the empty one, so that guidance has something to guide away from. */
const PROPORTION_EMPTY_PROMPTS = 0.12;

/** Trains text encoder and UNet in place; yields every step. */
export function trainBase(parts: BaseParts, options: BaseTraining) {
  const { batchSize: B, ...plan } = options;
  return train({
    ...plan,
    weights: { unet: parts.unet.parameters, textEncoder: parts.textEncoder.parameters },
    warmupSteps: 100,
    optimizer: { beta2: 0.99, weightDecay: 0.01 },
    emaDecay: 0.998,
    batch: (generator) =>
      tidy(() => ({ loss: accumulateGrads(() => baseLoss(parts, B, generator)).item() })),
  });
}

/**
 * A weight for each row's error, min(SNR, 1) / SNR with SNR = ᾱ / (1 − ᾱ): nearly clean pictures, whose last details are hard to
 * see in the noise, count for less, and what is drawn where for more (Hang et al. 2023, eq. 6, γ = 1).
 */
export function minSnrWeights(schedule: NoiseSchedule, timesteps: readonly number[]): number[] {
  return timesteps.map((t) => {
    const alpha = alphaCumprodAt(schedule, t);
    return Math.min(1, (1 - alpha) / alpha);
  });
}

/** w ‖ε − ε_θ(x_t, t, caption)‖², a mean over all numbers (Ho et al. 2020, eq. 14). [] */
function baseLoss(parts: BaseParts, B: number, generator: TorchGenerator): Tensor {
  const { corpus, latents, schedule, tokenizer, textEncoder } = parts;
  const [N = 0, ...latentShape] = latents.shape;
  const chosen = generator.randint(0, N, B);
  const shape = [B, ...latentShape];
  const clean = gather(latents.reshape([N, -1]), tensor(chosen, [B], 'int32')).reshape(shape);
  const noise = tensor(generator.randn(clean.size), shape);
  const timesteps = Array.from(generator.randint(0, schedule.numTrainTimesteps, B));
  const noisyLatents = addNoise(schedule, clean, noise, timesteps);

  const draws = new Draws(generator);
  const captions = corpusCaptions(corpus, chosen, draws).map((caption) =>
    draws.chance(PROPORTION_EMPTY_PROMPTS) ? '' : caption,
  );
  const { inputIds, length: L } = tokenizer.encode(captions);
  const encoderHiddenStates = clipText(textEncoder, tensor(inputIds, [B, L])).lastHiddenState;
  const noisePred = unet(parts.unet, noisyLatents, timesteps, { encoderHiddenStates });
  const weights = tensor(minSnrWeights(schedule, timesteps), [B, ...latentShape.map(() => 1)]);
  return noisePred.sub(noise).square().mul(weights).mean();
}

/** Pictures encoded at once. */
const CHUNK = 100;

/** Means of the posteriors of all pictures, not scaled, [N, h, w, Z]. The caller owns the tensor. */
export function corpusLatents(vae: Vae, corpus: Corpus): Tensor {
  const N = corpus.meanings.length;
  const side = PICTURE_SIZE / 2 ** (vae.config.blockOutChannels.length - 1);
  const width = side * side * vae.config.latentChannels;
  const values = new Float32Array(N * width);
  for (let first = 0; first < N; first += CHUNK) {
    const count = Math.min(CHUNK, N - first);
    const chosen = Int32Array.from({ length: count }, (_, i) => first + i);
    const mean = noGrad(() => {
      const pixels = corpusPixels(corpus, chosen);
      return encode(vae, tensor(pixels, [count, PICTURE_SIZE, PICTURE_SIZE, 3])).mean;
    });
    values.set(mean.floats(), first * width);
    mean.dispose();
  }
  return tensor(values, [N, side, side, vae.config.latentChannels]);
}

/** What latents must be multiplied by to have the standard deviation 1. */
export function scalingFactorOf(latents: Tensor): number {
  const deviation = noGrad(() => {
    const centred = latents.sub(latents.mean());
    return centred.square().mean().sqrt();
  });
  const factor = 1 / deviation.item();
  deviation.dispose();
  return Number(factor.toFixed(5));
}
