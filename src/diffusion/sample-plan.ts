import type { RgbImage } from '../data/image';
import type { AttentionSlice, MixedPrecision, Tensor } from '../engine';
import {
  type ConditioningRule,
  STABLE_DIFFUSION,
  tileCuts,
  type UNet,
  type Vae,
  vaeScaleFactor,
} from '../models';
import type { ConfigJson } from '../models/model';
import { TorchGenerator } from '../random';
import { type DrawOverOptions, firstStep, picturesToDrawOver } from './drawn-over';
import { type Guidance, isGuided } from './guidance';
import { type HandOver, handOverWindow, type Window } from './hand-over';
import type { VaeMemoryOptions } from './images';
import type { Generators } from './latents';
import { type MicroConditioningOptions, plannedTimeIds } from './micro-conditioning';
import { pipelineScheduler } from './pipeline-scheduler';
import { type PlannedPrompts, type PromptOptions, plannedPrompts } from './prompts';
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
export interface SampleOptions
  extends PromptOptions,
    DrawOverOptions,
    MicroConditioningOptions,
    HandOver,
    VaeMemoryOptions {
  /** One seed for all pictures together, or one for each. @default 0 */
  readonly seed?: number | bigint | readonly (number | bigint)[];
  /** Takes the place of `seed`; the generators go on from where they are. */
  readonly generator?: Generators;
  /** @default 50 */
  readonly numInferenceSteps?: number;
  /** 1 or less: no guidance, and half the work. @default 7.5; 5 for SDXL */
  readonly guidanceScale?: number;
  /** Share of the guided prediction that gets the contrast of the one for the text alone, 0 to 1. @default 0 */
  readonly guidanceRescale?: number;
  /** In pixels, a multiple of 8. @default that of the picture drawn over, or the size the UNet was made for */
  readonly height?: number;
  /** In pixels, a multiple of 8. @default as height */
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
  /** Of the three models; guidance and scheduler are float32. @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
  /**
   * Heads of the UNet's attentions at once: diffusers' `enable_attention_slicing`. The fused kernels store no scores, so
   * that it changes nothing there; with `DPO_KERNELS=plain` it needs less memory. @default all
   */
  readonly attentionSlice?: AttentionSlice | undefined;
}

/** The part of them that says how pictures are drawn, whatever is drawn. */
export type DrawingOptions = Pick<
  SampleOptions,
  | 'numInferenceSteps'
  | 'guidanceScale'
  | 'guidanceRescale'
  | 'eta'
  | 'height'
  | 'width'
  | 'mixedPrecision'
>;

/** Checked options: everything a run needs to know before it starts. */
export interface SamplePlan {
  readonly prompts: PlannedPrompts;
  /** What each row is told beside its text. */
  readonly timeIds: readonly (readonly number[])[];
  readonly generators: Generators;
  /** [B, h, w, C] */
  readonly shape: readonly [number, number, number, number];
  readonly sampler: Sampler;
  /** The evaluations of the model that are made. */
  readonly window: Window;
  /** Pictures to draw over, of the size that is drawn. */
  readonly images: readonly RgbImage[] | undefined;
  readonly guidance: Guidance;
  readonly numInferenceSteps: number;
  readonly eta: number;
}

/** Checks the options against the pipeline. @throws RangeError naming the option, its value and what is allowed */
export function samplePlan(pipeline: TextToImage, options: SampleOptions): SamplePlan {
  const { conditioning = STABLE_DIFFUSION } = pipeline;
  const { numInferenceSteps = 50, eta = 0 } = options;
  if (!(eta >= 0 && eta <= 1)) throw new RangeError(`eta is ${eta}; it must be from 0 to 1.`);
  checkTiles(pipeline.vae, options);
  checkBeginning(options);
  const guidance = plannedGuidance(conditioning, options);
  const prompts = plannedPrompts(pipeline, options);
  const sampler = plannedSampler(pipeline, options.scheduler);
  const latents = latentShape(pipeline, options);
  const factor = vaeScaleFactor(pipeline.vae);
  const size = [latents[0] * factor, latents[1] * factor] as const;
  const negative = isGuided(guidance.guidanceScale) ? prompts.count : 0;
  return {
    prompts,
    timeIds: plannedTimeIds(conditioning, size, { negative, positive: prompts.count }, options),
    generators: plannedGenerators(options),
    shape: plannedShape([prompts.count, ...latents], options),
    sampler,
    window: plannedWindow(sampler, numInferenceSteps, options),
    images: picturesToDrawOver(options, size, prompts.count),
    guidance,
    numInferenceSteps,
    eta,
  };
}

/** Refuses tiles that overlap by parts of a latent position: what they cover is not the picture. */
function checkTiles(vae: Vae, { vaeTiling }: SampleOptions): void {
  if (!vaeTiling) return;
  const { encoded, decoded } = tileCuts(vae.config, vaeTiling);
  if (decoded.kept === decoded.step * vaeScaleFactor(vae)) return;
  throw new RangeError(
    `vaeTiling has tiles of ${encoded.size} pixels, ${decoded.size} latent positions, of which the overlap is no whole number; give a multiple of ${4 * vaeScaleFactor(vae)}.`,
  );
}

/** A run begins with noise, with another model's latents, or with a picture. */
function checkBeginning({ denoisingStart, latents, image, strength }: SampleOptions): void {
  if (denoisingStart !== undefined && !latents)
    throw new RangeError(
      `denoisingStart is ${denoisingStart}, but there are no latents to go on from.`,
    );
  if (image && latents) throw new RangeError('image and latents are given; a run begins with one.');
  if (strength !== undefined && !image)
    throw new RangeError(`strength is ${strength}, but there is no image to draw over.`);
}

/** The scale of guidance that diffusers' pipeline of that kind has where nobody says. */
export const defaultGuidance = ({ added }: ConditioningRule): number =>
  added === 'none' ? 7.5 : 5;

function plannedGuidance(conditioning: ConditioningRule, options: SampleOptions): Guidance {
  const { guidanceScale = defaultGuidance(conditioning), guidanceRescale = 0 } = options;
  if (!Number.isFinite(guidanceScale))
    throw new RangeError(`guidanceScale is ${guidanceScale}; it must be a number.`);
  if (!(guidanceRescale >= 0 && guidanceRescale <= 1))
    throw new RangeError(`guidanceRescale is ${guidanceRescale}; it must be from 0 to 1.`);
  return { guidanceScale, guidanceRescale };
}

/** The evaluations of the model in the part of the way that the options name. */
export function plannedWindow(
  sampler: Sampler,
  steps: number,
  options: HandOver & DrawOverOptions,
): Window {
  const run = sampler.start(steps, { drawNoise: noNoise });
  run.dispose();
  const { numTrainTimesteps } = sampler.config;
  if (options.image) {
    const begin = firstStep(steps, options.strength ?? 0.8) * sampler.order;
    return { begin, count: run.timesteps.length - begin };
  }
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
function latentShape(
  { unet, vae, conditioning = STABLE_DIFFUSION }: TextToImage,
  options: SampleOptions,
) {
  const factor = vaeScaleFactor(vae);
  const C = unet.config.inChannels;
  if (C !== vae.config.latentChannels || C !== unet.config.outChannels)
    throw new RangeError(
      `The UNet takes ${C} channels and gives ${unet.config.outChannels}, the VAE has ${vae.config.latentChannels}: ` +
        'this is not a text-to-image model.',
    );
  const [image] = [options.image ?? []].flat();
  const [rows, other] = image
    ? [Math.floor(image.height / factor), Math.floor(image.width / factor)]
    : (options.latents?.shape.slice(1, 3) ?? defaultSide(unet.config.json, conditioning));
  const multiple = image ? factor : Math.max(8, factor); // as diffusers' two pipelines have it
  const height = pixels('height', options.height ?? Number(rows) * factor, multiple);
  const width = pixels('width', options.width ?? Number(other ?? rows) * factor, multiple);
  return [height / factor, width / factor, C] as const;
}

/**
 * Rows and columns of latents that a UNet was made for. Those that diffusers before 0.9 wrote have 32 in their configs for 64.
 * Upstream: pipeline_stable_diffusion.py, `is_unet_sample_size_less_64`; SDXL's pipeline has no such rule.
 */
function defaultSide(json: ConfigJson, { added }: ConditioningRule): readonly unknown[] {
  const { sample_size: side, _diffusers_version: version } = json;
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(String(version)) ?? [];
  const isOld = major !== undefined && Number(major) === 0 && Number(minor) < 9;
  if (added === 'none' && isOld && Number.isInteger(side) && Number(side) < 64) return [64];
  return [side].flat().slice(0, 2);
}

function pixels(name: string, value: number, multiple: number): number {
  if (Number.isInteger(value) && value > 0 && value % multiple === 0) return value;
  throw new RangeError(`${name} is ${value}; it must be a positive multiple of ${multiple}.`);
}
