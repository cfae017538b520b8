// B pictures, h × w latent positions, C channels
import type { RgbImage } from '../data/image';
import { autocast, noGrad, type Tensor } from '../engine';
import { unet, unetConditioning, vaePrecision } from '../models';
import { latentsToDrawOver } from './drawn-over';
import { guidedPrediction, isGuided } from './guidance';
import { imagesFromLatents, vaeParts } from './images';
import { randnLatents } from './latents';
import { statesOfPrompts } from './prompts';
import { type SampleOptions, type SamplePlan, samplePlan, type TextToImage } from './sample-plan';
import type { SamplerRun } from './sampler-run';

/** Where a picture stands after one step. The tensors live until the next step. */
export interface SampleStep {
  /** 0 for the first. */
  readonly step: number;
  readonly steps: number;
  /** Where the model was asked, 0 … T−1. */
  readonly timestep: number;
  /** After this step; in the last one, the finished latents. [B, h, w, C] */
  readonly latents: Tensor;
  /** x̂_0, what the model takes the finished latents to be. [B, h, w, C] */
  readonly predOriginal: Tensor;
}

/**
 * Draws pictures from text, one denoising step at a time: the same latents as diffusers'
 * `StableDiffusionPipeline` with a CPU generator of the same seed.
 *
 * The generator owns every tensor that it yields and frees it when the next step is asked for, when
 * the loop is left, or at the end: decode or copy what is to be kept. Somebody who calls `next()` by
 * hand ends an unfinished run with `return()`.
 *
 * @throws RangeError naming an option that has no meaning, before any step is made
 * @throws SchedulerConfigError naming what the folder's scheduler asks for and is not computed
 */
export function* sample(
  pipeline: TextToImage,
  options: SampleOptions,
): Generator<SampleStep, void, void> {
  const plan = samplePlan(pipeline, options);
  const { generators, shape, sampler, guidance, numInferenceSteps, eta } = plan;
  const { mixedPrecision = 'no', attentionSlice } = options;
  const { begin, count: steps } = plan.window;
  const drawNoise = () => randnLatents(generators, shape);
  const run = sampler.start(numInferenceSteps, { eta, begin, drawNoise });
  const rows = isGuided(guidance.guidanceScale) ? 'guided' : 'alone';
  const told = autocast(mixedPrecision, () =>
    noGrad(() => statesOfPrompts(pipeline, plan.prompts, rows)),
  );
  const conditioning = { ...unetConditioning(told, plan.timeIds), attentionSlice };
  let latents = firstLatents(pipeline, plan, run, options);
  try {
    for (const [step, timestep] of run.timesteps.slice(0, steps).entries()) {
      const { prevSample, predOriginal } = noGrad(() => {
        const predict = (x: Tensor) => {
          const timesteps = new Array<number>(x.shape[0] ?? 0).fill(timestep);
          const scale = run.inputScale(step);
          const input = scale === 1 ? x : x.div(scale);
          const predicted = autocast(mixedPrecision, () =>
            unet(pipeline.unet, input, timesteps, conditioning),
          );
          return predicted.cast('float32');
        };
        return run.step(step, guidedPrediction(predict, latents, guidance), latents);
      });
      latents.dispose();
      latents = prevSample;
      try {
        yield { step, steps, timestep, latents, predOriginal };
      } finally {
        predOriginal.dispose();
      }
    }
  } finally {
    for (const held of [latents, ...Object.values(told), run]) held.dispose();
  }
}

/** What a run begins with: noise, another model's latents, or a picture with noise. [B, h, w, C] */
function firstLatents(
  pipeline: TextToImage,
  { images, generators, shape }: SamplePlan,
  run: SamplerRun,
  { latents, denoisingStart, mixedPrecision = 'no', ...memory }: SampleOptions,
): Tensor {
  return noGrad(() => {
    if (!images) {
      const start = latents ?? randnLatents(generators, shape);
      return start.mul(denoisingStart === undefined ? run.initNoiseSigma : 1);
    }
    const clean = autocast(vaePrecision(pipeline, mixedPrecision), () =>
      latentsToDrawOver(pipeline.vae, images, generators, shape, vaeParts(memory)),
    );
    return run.addNoise(clean.cast('float32'), randnLatents(generators, shape));
  });
}

/** Draws pictures from text: all images of the first prompt, then those of the second, … Options and errors of `sample`. */
export function generateImages(pipeline: TextToImage, options: SampleOptions): RgbImage[] {
  return lastImages(pipeline, sample(pipeline, options), options);
}

/** Decodes the last step of a run. */
export function lastImages(
  pipeline: TextToImage,
  run: Iterable<SampleStep>,
  { mixedPrecision: asked = 'no', vaeSlicing, vaeTiling }: SampleOptions,
): RgbImage[] {
  const mixedPrecision = vaePrecision(pipeline, asked);
  const options = { mixedPrecision, vaeSlicing, vaeTiling };
  for (const { step, steps, latents } of run)
    if (step === steps - 1) return imagesFromLatents(pipeline.vae, latents, options);
  return [];
}
