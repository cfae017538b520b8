import type { MixedPrecision, Tensor } from '../engine';
import { STABLE_DIFFUSION, type UNet, type Vae } from '../models';
import { TorchGenerator } from '../random';
import { isGuided } from './guidance';
import { type HandOver, handOverWindow, type Window } from './hand-over';
import { vaeScaleFactor } from './images';
import type { Generators } from './latents';
import { type MicroConditioningOptions, plannedTimeIds } from './micro-conditioning';
import { pipelineScheduler } from './pipeline-scheduler';
import { makeSampler, type Sampler } from './sampler';
import type { SchedulerName } from './scheduler-classes';
import type { SchedulerConfig } from './scheduler-config';
import type { TextSide } from './text-conditioning';

/** The parts of a pipeline that draw; a loaded Stable Diffusion folder has them. */
export interface TextToImage extends TextSide {
  readonly unet: UNet;
  readonly vae: Vae;
  readonly scheduler: SchedulerConfig;
}

/** What to draw. Names and defaults are those of diffusers' `StableDiffusionPipeline`, or `StableDiffusionXLPipeline`. */
export interface SampleOptions extends MicroConditioningOptions, HandOver {
  readonly prompt: string | readonly string[];
  /**
   * What to stay away from, for all prompts or one for each; used where there is guidance.
   * @default '', or zeros where SDXL's folder says `force_zeros_for_empty_prompt`
   */
  readonly negativePrompt?: string | readonly string[];
  /** One seed for all pictures together, or one for each. @default 0 */
  readonly seed?: number | bigint | readonly (number | bigint)[];
  /** Takes the place of `seed`; the generators go on from where they are. */
  readonly generator?: Generators;
  /** @default 50 */
  readonly numInferenceSteps?: number;
  /** 1 or less: no guidance, and half the work. @default 7.5; 5 for SDXL */
  readonly guidanceScale?: number;
  /** In pixels, a multiple of 8. @default the size the UNet was made for */
  readonly height?: number;
  /** In pixels, a multiple of 8. @default the size the UNet was made for */
  readonly width?: number;
  /** By name, keeping what the folder's scheduler states, or one made by `makeSampler`. @default the folder's own */
  readonly scheduler?: SchedulerName | Sampler;
  /** DDIM's share of fresh noise, 0 to 1. @default 0 */
  readonly eta?: number;
  /**
   * What to begin with, [B, h, w, C]: with `denoisingStart` another model's latents there, else standard normal noise. They
   * stay the caller's. @default drawn from the generator
   */
  readonly latents?: Tensor;
  /** Pictures for each prompt. @default 1 */
  readonly numImages?: number;
  /** Of the three models; guidance and scheduler are float32. @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
}

/** Checked options: everything a run needs to know before it starts. */
export interface SamplePlan {
  /** What each row of the UNet's batch is told: [B] texts, or [2B], the negative ones first, where guided. */
  readonly texts: readonly (string | undefined)[];
  /** What each row is told beside its text. */
  readonly timeIds: readonly (readonly number[])[];
  readonly generators: Generators;
  /** [B, h, w, C] */
  readonly shape: readonly [number, number, number, number];
  readonly sampler: Sampler;
  /** The evaluations of the model that are made. */
  readonly window: Window;
  readonly guidanceScale: number;
  readonly numInferenceSteps: number;
  readonly eta: number;
}

/** Checks the options against the pipeline. @throws RangeError naming the option, its value and what is allowed */
export function samplePlan(pipeline: TextToImage, options: SampleOptions): SamplePlan {
  const { conditioning = STABLE_DIFFUSION } = pipeline;
  const { guidanceScale = conditioning.added === 'none' ? 7.5 : 5 } = options;
  const { numInferenceSteps = 50, eta = 0 } = options;
  if (!Number.isFinite(guidanceScale))
    throw new RangeError(`guidanceScale is ${guidanceScale}; it must be a number.`);
  if (!(eta >= 0 && eta <= 1)) throw new RangeError(`eta is ${eta}; it must be from 0 to 1.`);
  if (options.denoisingStart !== undefined && !options.latents)
    throw new RangeError(
      `denoisingStart is ${options.denoisingStart}, but there are no latents to go on from.`,
    );
  const { positive, negative } = plannedTexts(pipeline, options);
  const texts = isGuided(guidanceScale) ? [...negative, ...positive] : positive;
  const sampler = plannedSampler(pipeline, options.scheduler);
  const latents = latentShape(pipeline, options);
  const factor = vaeScaleFactor(pipeline.vae);
  const size = [latents[0] * factor, latents[1] * factor] as const;
  const rows = { negative: texts.length - positive.length, positive: positive.length };
  return {
    texts,
    timeIds: plannedTimeIds(conditioning, size, rows, options),
    generators: plannedGenerators(options),
    shape: plannedShape([positive.length, ...latents], options),
    sampler,
    window: plannedWindow(sampler, numInferenceSteps, options),
    guidanceScale,
    numInferenceSteps,
    eta,
  };
}

/** The evaluations of the model in the part of the way that the options name. */
export function plannedWindow(sampler: Sampler, steps: number, options: HandOver): Window {
  const run = sampler.start(steps, { drawNoise: noNoise });
  run.dispose();
  const { numTrainTimesteps } = sampler.config;
  return handOverWindow(run.timesteps, { numTrainTimesteps, order: sampler.order }, options);
}

function noNoise(): never {
  throw new Error('No step is made here.');
}

/** @throws RangeError where given latents have another shape */
function plannedShape(shape: SamplePlan['shape'], { latents }: SampleOptions): SamplePlan['shape'] {
  if (latents && latents.shape.join() !== shape.join())
    throw new RangeError(`latents are [${latents.shape}], but [${shape}] are to be drawn.`);
  return shape;
}

function plannedTexts({ conditioning = STABLE_DIFFUSION }: TextToImage, options: SampleOptions) {
  const { prompt, numImages = 1 } = options;
  const noPrompt = conditioning.noPrompt === 'zeros' ? undefined : '';
  const { negativePrompt = noPrompt } = options;
  const prompts = [prompt].flat();
  const negatives =
    typeof negativePrompt === 'object' ? negativePrompt : prompts.map(() => negativePrompt);
  if (prompts.length === 0) throw new RangeError('prompt is an empty list; give one text or more.');
  if (negatives.length !== prompts.length)
    throw new RangeError(
      `negativePrompt has ${negatives.length} texts; give one, or ${prompts.length} as for prompt.`,
    );
  if (!Number.isInteger(numImages) || numImages < 1)
    throw new RangeError(`numImages is ${numImages}; it must be a positive integer.`);
  const each = <T>(texts: readonly T[]) =>
    texts.flatMap((text) => new Array<T>(numImages).fill(text));
  return { positive: each(prompts), negative: each(negatives) };
}

/** One generator, or one for each picture. */
export function plannedGenerators({ generator, seed = 0 }: SampleOptions): Generators {
  if (generator) return generator;
  return typeof seed === 'object'
    ? seed.map((s) => new TorchGenerator(s))
    : new TorchGenerator(seed);
}

/** SDXL's pipeline, unlike Stable Diffusion's, takes its folder's scheduler as it is. */
function plannedSampler(
  { scheduler: file, conditioning = STABLE_DIFFUSION }: TextToImage,
  scheduler: SampleOptions['scheduler'],
): Sampler {
  if (typeof scheduler === 'object') return scheduler;
  const config = conditioning.added === 'none' ? pipelineScheduler(file, scheduler) : file;
  return makeSampler(config, { scheduler });
}

/** [h, w, C] of the latents. */
function latentShape({ unet, vae }: TextToImage, options: SampleOptions) {
  const factor = vaeScaleFactor(vae);
  const C = unet.config.inChannels;
  if (C !== vae.config.latentChannels || C !== unet.config.outChannels)
    throw new RangeError(
      `The UNet takes ${C} channels and gives ${unet.config.outChannels}, the VAE has ${vae.config.latentChannels}: ` +
        'this is not a text-to-image model.',
    );
  const [rows, columns = rows] =
    options.latents?.shape.slice(1, 3) ?? [unet.config.json.sample_size].flat().slice(0, 2);
  const height = pixels('height', options.height ?? Number(rows) * factor, factor);
  const width = pixels('width', options.width ?? Number(columns) * factor, factor);
  return [height / factor, width / factor, C] as const;
}

function pixels(name: string, value: number, factor: number): number {
  const multiple = Math.max(8, factor);
  if (Number.isInteger(value) && value > 0 && value % multiple === 0) return value;
  throw new RangeError(`${name} is ${value}; it must be a positive multiple of ${multiple}.`);
}
