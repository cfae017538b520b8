/** From a batch of pairs to what both UNets are shown. B pairs; N rows: 2B for pairs, B for winners alone. */
import type { Batch, CaptionEncoder } from '../data';
import { addNoise, type NoiseSchedule, randnLatents, vaeScaleFactor, velocity } from '../diffusion';
import { autocast, noGrad, type Tensor, tensor } from '../engine';
import {
  AESTHETIC_SCORE,
  type ClipText,
  clipText,
  latentsFromPixels,
  type MicroConditioning,
  promptStates,
  STABLE_DIFFUSION,
  type TextConditioning,
  type TextEncoders,
  timeIds,
  unetConditioning,
  type Vae,
  vaePrecision,
} from '../models';
import { forBothImages } from '../preference';
import type { TorchGenerator } from '../random';
import { drawNoise, drawTimesteps, type NoisingOptions } from './noise-draws';
import type { ParitySwitches } from './parity';

/** What training reads of a batch: pictures [N, R, R, 3] in −1…1, one prompt for each of B pairs. */
export type PairBatch = Pick<Batch, 'pixelValues' | 'pixelShape' | 'inputIds' | 'captions'> &
  Partial<Pick<Batch, 'sizes'>>;

/** The frozen parts of a pipeline that make latents and text states. */
export interface Encoders extends TextEncoders {
  readonly vae: Vae;
  /** Makes the ids of SDXL's second text encoder; those of the first come with the batch. */
  readonly tokenizer2?: CaptionEncoder;
  /** What SDXL is told of the pictures' sizes. @default 'resolution', as in the original */
  readonly sdxlTimeIds?: ParitySwitches['sdxlTimeIds'];
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
  encoders: Encoders,
  batch: PairBatch,
  generator: TorchGenerator,
  noising: NoisingOptions = {},
): NoisyBatch {
  const { vae, schedule } = encoders;
  const rows = isPaired(batch) ? 'pairs' : 'winners';
  return noGrad(() => {
    const shape = latentShape(vae, batch);
    const latents = batchLatents(encoders, batch, randnLatents(generator, shape));

    const { noise, addedNoise } = drawNoise(generator, shape, rows, noising);
    const timesteps = drawTimesteps(generator, schedule, shape[0], rows, noising);

    const v = schedule.predictionType === 'v_prediction';
    return {
      latents,
      noise,
      timesteps,
      noisyLatents: addNoise(schedule, latents, addedNoise, timesteps),
      target: v ? velocity(schedule, latents, noise, timesteps) : noise,
      ...batchConditioning(encoders, batch, rows),
    };
  });
}

/** SDXL's autoencoder is computed in float32 where it asks for that; the original's run has one that does not. */
function batchLatents(encoders: Encoders, batch: PairBatch, noise: Tensor): Tensor {
  const pixels = tensor(batch.pixelValues, batch.pixelShape);
  const encode = () => latentsFromPixels(encoders.vae, pixels, noise);
  return vaePrecision(encoders, 'bf16') === 'no' ? autocast('no', encode) : encode();
}

/** What the UNet is told of each row. Upstream: train.py:1064–1101. */
function batchConditioning(
  encoders: Encoders,
  batch: PairBatch,
  rows: 'pairs' | 'winners',
): TextConditioning {
  const { conditioning = STABLE_DIFFUSION, tokenizer2 } = encoders;
  const { captions, inputIds } = batch;
  const ids = [inputIds, ...(tokenizer2 ? [tokenizer2.encode([...captions]).inputIds] : [])];
  const B = captions.length;
  const { encoderHiddenStates, textEmbeds } = promptStates(
    encoders,
    ids.map((of) => tensor(of, [B, of.length / B])),
  );
  const eachRow = (x: Tensor) => (rows === 'pairs' ? forBothImages(x) : x);
  const states = { encoderHiddenStates: eachRow(encoderHiddenStates) };
  if (!textEmbeds) return states;
  const told = rowSizes(encoders, batch).map((sizes) => timeIds(conditioning, sizes));
  return unetConditioning({ ...states, textEmbeds: eachRow(textEmbeds) }, told);
}

/** SDXL hears that every picture has the size of training and is not cropped, or the truth; its refiner, that all are beautiful. */
function rowSizes({ sdxlTimeIds }: Encoders, batch: PairBatch): readonly MicroConditioning[] {
  const { pixelShape, sizes } = batch;
  const [N, height, width] = pixelShape;
  const targetSize = [height, width] as const;
  const wanted = { targetSize, aestheticScore: AESTHETIC_SCORE };
  const same = { originalSize: targetSize, cropsCoordsTopLeft: [0, 0], ...wanted } as const;
  if (sdxlTimeIds !== 'real sizes') return new Array<MicroConditioning>(N).fill(same);
  if (sizes?.length !== N)
    throw new RangeError(
      `SDXL is to be told the sizes of ${N} pictures, and the batch has those of ${sizes?.length ?? 0}.`,
    );
  return sizes.map((own) => ({ ...own, ...wanted }));
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

/** Last hidden states of the prompts, which Stable Diffusion 1.x and 2.x read. [B, L, D] */
export function encodePrompts(
  textEncoder: ClipText,
  { inputIds, captions }: Pick<PairBatch, 'inputIds' | 'captions'>,
): Tensor {
  const B = captions.length;
  return clipText(textEncoder, tensor(inputIds, [B, inputIds.length / B])).lastHiddenState;
}
