/** From a batch of pairs to what both UNets are shown. B pairs; N rows: 2B for pairs, B for winners alone. */
import type { Batch } from '../data';
import { addNoise, type NoiseSchedule, randnLatents, vaeScaleFactor, velocity } from '../diffusion';
import { noGrad, type Tensor, tensor } from '../engine';
import {
  type ClipText,
  clipText,
  latentsFromPixels,
  type TextConditioning,
  type Vae,
} from '../models';
import { forBothImages } from '../preference';
import type { TorchGenerator } from '../random';
import { drawNoise, drawTimesteps, type NoisingOptions } from './noise-draws';

/** What training reads of a batch: pictures [N, R, R, 3] in −1…1, one prompt for each of B pairs. */
export type PairBatch = Pick<Batch, 'pixelValues' | 'pixelShape' | 'inputIds' | 'captions'>;

/** The frozen parts of a pipeline that make latents and text states. */
export interface Encoders {
  readonly vae: Vae;
  readonly textEncoder: ClipText;
  readonly schedule: NoiseSchedule;
}

/** What is shown to policy and reference, and what they should answer. [N, h, w, C] each. */
export interface NoisyBatch extends TextConditioning {
  readonly latents: Tensor;
  readonly noise: Tensor;
  readonly timesteps: readonly number[];
  /** With the noise, and the input perturbation where there is one. */
  readonly noisyLatents: Tensor;
  /** The noise, or the velocity of a v-predicting model. */
  readonly target: Tensor;
}

/**
 * Encodes images and prompts, draws noise and times, and adds the noise. In a batch of pairs (N =
 * 2B: winners, then losers) both images of a pair get the same noise at the same time; a batch of
 * winners alone has N = B.
 *
 * The draws, and their order, are those of the original on a CPU: posterior noise (contiguous), noise, its offset, its
 * perturbation, times; for pairs the losers' half is drawn and discarded. Upstream: train.py:1029–1062.
 */
export function noiseBatch(
  { vae, textEncoder, schedule }: Encoders,
  batch: PairBatch,
  generator: TorchGenerator,
  noising: NoisingOptions = {},
): NoisyBatch {
  const rows = isPaired(batch) ? 'pairs' : 'winners';
  return noGrad(() => {
    const pixels = tensor(batch.pixelValues, batch.pixelShape);
    const shape = latentShape(vae, batch);
    const latents = latentsFromPixels(vae, pixels, randnLatents(generator, shape));

    const { noise, addedNoise } = drawNoise(generator, shape, rows, noising);
    const timesteps = drawTimesteps(generator, schedule, shape[0], rows, noising);

    const states = encodePrompts(textEncoder, batch);
    const v = schedule.predictionType === 'v_prediction';
    return {
      latents,
      noise,
      timesteps,
      noisyLatents: addNoise(schedule, latents, addedNoise, timesteps),
      target: v ? velocity(schedule, latents, noise, timesteps) : noise,
      encoderHiddenStates: rows === 'pairs' ? forBothImages(states) : states,
    };
  });
}

/** Whether a batch holds both images of every pair. Throws RangeError if it holds something else. */
export function isPaired({ pixelShape: [rows], captions }: PairBatch): boolean {
  if (rows === 2 * captions.length) return true;
  if (rows === captions.length) return false;
  throw new RangeError(`A batch of ${captions.length} prompts has ${rows} pictures.`);
}

function latentShape(vae: Vae, { pixelShape }: PairBatch): [number, number, number, number] {
  const [rows, height, width] = pixelShape;
  const factor = vaeScaleFactor(vae);
  return [rows, height / factor, width / factor, vae.config.latentChannels];
}

/** Last hidden states of the prompts, [B, L, D]. */
export function encodePrompts(
  textEncoder: ClipText,
  { inputIds, captions }: Pick<PairBatch, 'inputIds' | 'captions'>,
): Tensor {
  const B = captions.length;
  return clipText(textEncoder, tensor(inputIds, [B, inputIds.length / B])).lastHiddenState;
}
