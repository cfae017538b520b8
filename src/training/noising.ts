/** From a batch of pairs to what both UNets are shown. B pairs; N rows: 2B for pairs, B for winners alone. */
import { addNoise, type NoiseSchedule, randnLatents, vaeScaleFactor, velocity } from '../diffusion';
import { concat, noGrad, type Tensor, tensor } from '../engine';
import {
  type ClipText,
  clipText,
  latentsFromPixels,
  type TextConditioning,
  type Vae,
} from '../models';
import { forBothImages } from '../preference';
import type { TorchGenerator } from '../random';

/** Pairs ready to be noised: winners first, then losers. */
export interface PairBatch {
  /** [2B, height, width, 3], in −1…1: rows 0…B−1 preferred, B…2B−1 rejected. */
  readonly pixelValues: Float32Array;
  readonly width: number;
  readonly height: number;
  /** [B, L]: one prompt for both images of a pair. */
  readonly inputIds: Int32Array;
  readonly captions: readonly string[];
}

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
  readonly noisyLatents: Tensor;
  /** The noise, or the velocity of a v-predicting model. */
  readonly target: Tensor;
}

/** Which images of a pair are trained on. */
export type Images = 'both' | 'winners';

/**
 * Encodes images and prompts, draws noise and times, and adds the noise. Within a pair noise and
 * time are the same. The draws, and their order, are those of the original on a CPU: posterior
 * noise (contiguous), noise (`randn_like` of channels-last latents: the serial generator, in
 * memory order N, H, W, C), times; for pairs 2B rows are drawn and the losers' discarded.
 * Upstream: train.py:1029–1062.
 */
export function noiseBatch(
  { vae, textEncoder, schedule }: Encoders,
  batch: PairBatch,
  generator: TorchGenerator,
  images: Images = 'both',
): NoisyBatch {
  return noGrad(() => {
    const pixels = pixelTensor(batch, images);
    const rows = pixels.shape[0] ?? 0;
    const shape = latentShape(vae, pixels);
    const latents = latentsFromPixels(vae, pixels, randnLatents(generator, shape));

    const drawnNoise = tensor(generator.randnSerial(latents.size), latents.shape);
    const drawnTimes = Array.from(generator.randint(0, schedule.numTrainTimesteps, rows));
    const noise = images === 'both' ? sharedInPairs(drawnNoise) : drawnNoise;
    const timesteps = images === 'both' ? sharedTimes(drawnTimes) : drawnTimes;

    const states = encodePrompts(textEncoder, batch);
    const v = schedule.predictionType === 'v_prediction';
    return {
      latents,
      noise,
      timesteps,
      noisyLatents: addNoise(schedule, latents, noise, timesteps),
      target: v ? velocity(schedule, latents, noise, timesteps) : noise,
      encoderHiddenStates: images === 'both' ? forBothImages(states) : states,
    };
  });
}

function pixelTensor({ pixelValues, width, height }: PairBatch, images: Images): Tensor {
  const used = images === 'both' ? pixelValues : pixelValues.subarray(0, pixelValues.length / 2);
  return tensor(used, [used.length / (width * height * 3), height, width, 3]);
}

function latentShape(vae: Vae, pixels: Tensor): [number, number, number, number] {
  const factor = vaeScaleFactor(vae);
  const [rows = 0, height = 0, width = 0] = pixels.shape;
  return [rows, height / factor, width / factor, vae.config.latentChannels];
}

/** The winners' rows for both images. */
function sharedInPairs(drawn: Tensor): Tensor {
  const [rows = 0, ...rest] = drawn.shape;
  const first = drawn.slice([0, ...rest.map(() => 0)], [rows / 2, ...rest]);
  return concat([first, first], 0);
}

function sharedTimes(drawn: readonly number[]): number[] {
  const first = drawn.slice(0, drawn.length / 2);
  return [...first, ...first];
}

/** Last hidden states of the prompts, [B, L, D]. */
export function encodePrompts(
  textEncoder: ClipText,
  { inputIds, captions }: Pick<PairBatch, 'inputIds' | 'captions'>,
): Tensor {
  const B = captions.length;
  return clipText(textEncoder, tensor(inputIds, [B, inputIds.length / B])).lastHiddenState;
}
