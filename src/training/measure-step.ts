/** One micro-batch under given switches of the ledger: what they do to figures and gradient, before anything is trained. */
import type { MixedPrecision, Parameters } from '../engine';
import type { Pipeline } from '../hub';
import type { UNet } from '../models';
import { TorchGenerator } from '../random';
import type { NoisingOptions } from './noise-draws';
import type { PairBatch } from './noising';
import { lossSwitches, noisingSwitches, type ParitySwitches } from './parity';
import { preferenceStep } from './preference-step';
import type { MicroRecord } from './record';
import { constructedTextEncoders, textEncoderConstructorDraws } from './text-encoder-draws';
import { trainingSchedule } from './train';

export interface MeasureStepOptions {
  /** Its UNet is the reference. */
  readonly pipeline: Pipeline;
  /** @default the reference: a run before its first step */
  readonly policy?: UNet;
  readonly parity: ParitySwitches;
  /** Of posterior, noise and times. @default 0 */
  readonly seed?: number;
  /** @default 5000 */
  readonly betaDpo?: number;
  /** Options of noising that are no switches. */
  readonly noising?: Omit<NoisingOptions, 'perturbationOrder' | 'turboLastTimestep'>;
  /** @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
}

/** DPO has every term. */
export interface MeasuredStep extends Required<MicroRecord> {
  readonly gradNorm: number;
  /** Of all weights, one after the other. */
  readonly gradient: Float32Array;
}

/** DPO's micro-step on a batch of pairs. The policy keeps its weights and gets no gradient. */
export function measureStep(batch: PairBatch, options: MeasureStepOptions): MeasuredStep {
  const { pipeline, policy: start = pipeline.unet, parity, seed = 0 } = options;
  const { betaDpo = 5000, noising = {}, mixedPrecision = 'no' } = options;
  const generator = new TorchGenerator(seed);
  if (parity.textEncoderDraws === 'drawn')
    for (const config of constructedTextEncoders(pipeline))
      textEncoderConstructorDraws(generator, config);
  const parameters = start.parameters.clone().trainable();
  try {
    const step = preferenceStep({
      ...pipeline,
      sdxlTimeIds: parity.sdxlTimeIds,
      schedule: trainingSchedule(pipeline, noising.timesteps),
      generator,
      loss: 'dpo',
      lossOptions: { ...lossSwitches(parity, mixedPrecision), betaDpo },
      noising: { ...noisingSwitches(parity), ...noising },
      policy: { config: start.config, parameters, p: parameters.tree() },
      reference: pipeline.unet,
      mixedPrecision,
    });
    const record = step(batch, 1) as Required<MicroRecord>;
    const gradient = gradientOf(parameters);
    return { ...record, gradNorm: norm(gradient), gradient };
  } finally {
    parameters.dispose();
  }
}

function gradientOf(parameters: Parameters): Float32Array {
  const gradient = new Float32Array(parameters.elementCount);
  let at = 0;
  for (const name of parameters.names) {
    const part = parameters.readGrad(name);
    gradient.set(part, at);
    at += part.length;
  }
  return gradient;
}

const norm = (vector: Float32Array): number => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));

/**
 * ‖b − a‖ / ‖a‖: 0 for equal vectors, about √2 for those that have nothing to do with each other.
 * @throws RangeError where their lengths differ
 */
export function relativeDistance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length)
    throw new RangeError(
      `A vector of ${a.length} numbers has no distance from one of ${b.length}.`,
    );
  return norm(b.map((x, i) => x - (a[i] as number))) / norm(a);
}
