import type { MixedPrecision } from '../engine';
import type { ClipText, UNet, Vae } from '../models';
import { TorchGenerator } from '../random';
import { isGuided } from './guidance';
import { vaeScaleFactor } from './images';
import type { Generators } from './latents';
import { pipelineScheduler } from './pipeline-scheduler';
import { makeSampler, type Sampler } from './sampler';
import type { SamplerName, SchedulerConfig } from './scheduler-config';
import type { TextTokenizer } from './text-conditioning';

/** The parts of a pipeline that draw; a loaded Stable Diffusion folder has them. */
export interface TextToImage {
  readonly unet: UNet;
  readonly vae: Vae;
  readonly textEncoder: ClipText;
  readonly tokenizer: TextTokenizer;
  readonly scheduler: SchedulerConfig;
}

/** What to draw. Names and defaults are those of diffusers' `StableDiffusionPipeline`. */
export interface SampleOptions {
  readonly prompt: string | readonly string[];
  /** What to stay away from, for all prompts or one for each; used where there is guidance. @default '' */
  readonly negativePrompt?: string | readonly string[];
  /** One seed for all pictures together, or one for each. @default 0 */
  readonly seed?: number | bigint | readonly (number | bigint)[];
  /** Takes the place of `seed`; the generators go on from where they are. */
  readonly generator?: Generators;
  /** @default 50 */
  readonly numInferenceSteps?: number;
  /** 1 or less: no guidance, and half the work. @default 7.5 */
  readonly guidanceScale?: number;
  /** In pixels, a multiple of 8. @default the size the UNet was made for */
  readonly height?: number;
  /** In pixels, a multiple of 8. @default the size the UNet was made for */
  readonly width?: number;
  /** By name, keeping what the folder's scheduler states, or one made by `makeSampler`. @default the folder's own */
  readonly scheduler?: SamplerName | Sampler;
  /** DDIM's share of fresh noise, 0 to 1. @default 0 */
  readonly eta?: number;
  /** Pictures for each prompt. @default 1 */
  readonly numImages?: number;
  /** Of the three models; guidance and scheduler are float32. @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
}

/** Checked options: everything a run needs to know before it starts. */
export interface SamplePlan {
  /** What each row of the UNet's batch is told: [B] texts, or [2B], the negative ones first, where guided. */
  readonly texts: readonly string[];
  readonly generators: Generators;
  /** [B, h, w, C] */
  readonly shape: readonly [number, number, number, number];
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  readonly numInferenceSteps: number;
  readonly eta: number;
}

/** Checks the options against the pipeline. @throws RangeError naming the option, its value and what is allowed */
export function samplePlan(pipeline: TextToImage, options: SampleOptions): SamplePlan {
  const { guidanceScale = 7.5, numInferenceSteps = 50, eta = 0 } = options;
  if (!Number.isFinite(guidanceScale))
    throw new RangeError(`guidanceScale is ${guidanceScale}; it must be a number.`);
  if (!(eta >= 0 && eta <= 1)) throw new RangeError(`eta is ${eta}; it must be from 0 to 1.`);
  const { positive, negative } = plannedTexts(options);
  return {
    texts: isGuided(guidanceScale) ? [...negative, ...positive] : positive,
    generators: plannedGenerators(options),
    shape: [positive.length, ...latentShape(pipeline, options)],
    sampler: plannedSampler(pipeline.scheduler, options.scheduler),
    guidanceScale,
    numInferenceSteps,
    eta,
  };
}

function plannedTexts({ prompt, negativePrompt = '', numImages = 1 }: SampleOptions) {
  const prompts = [prompt].flat();
  const negatives =
    typeof negativePrompt === 'string' ? prompts.map(() => negativePrompt) : negativePrompt;
  if (prompts.length === 0) throw new RangeError('prompt is an empty list; give one text or more.');
  if (negatives.length !== prompts.length)
    throw new RangeError(
      `negativePrompt has ${negatives.length} texts; give one, or ${prompts.length} as for prompt.`,
    );
  if (!Number.isInteger(numImages) || numImages < 1)
    throw new RangeError(`numImages is ${numImages}; it must be a positive integer.`);
  const each = (texts: readonly string[]) =>
    texts.flatMap((text) => new Array<string>(numImages).fill(text));
  return { positive: each(prompts), negative: each(negatives) };
}

function plannedGenerators({ generator, seed = 0 }: SampleOptions): Generators {
  if (generator) return generator;
  return typeof seed === 'object'
    ? seed.map((s) => new TorchGenerator(s))
    : new TorchGenerator(seed);
}

function plannedSampler(file: SchedulerConfig, scheduler: SampleOptions['scheduler']): Sampler {
  if (typeof scheduler === 'object') return scheduler;
  return makeSampler(pipelineScheduler(file, scheduler), { scheduler });
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
  const [rows, columns] = [unet.config.json.sample_size].flat().slice(0, 2);
  const height = pixels('height', options.height ?? Number(rows) * factor, factor);
  const width = pixels('width', options.width ?? Number(columns ?? rows) * factor, factor);
  return [height / factor, width / factor, C] as const;
}

function pixels(name: string, value: number, factor: number): number {
  const multiple = Math.max(8, factor);
  if (Number.isInteger(value) && value > 0 && value % multiple === 0) return value;
  throw new RangeError(`${name} is ${value}; it must be a positive multiple of ${multiple}.`);
}
