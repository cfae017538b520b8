import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeSampler, pipelineScheduler, type SchedulerConfig } from '../diffusion';
import { disposePipeline, loadPipeline, mergeLoraFile, type Pipeline, resolve } from '../hub';
import { readJson } from '../hub/json-file';
import { collectCommits, type HubCommits } from '../hub/remote/commits';
import { resolvePart } from '../hub/remote/resolve';
import { hubOptions } from './hub-flags';
import type { SampleArgs } from './sample-args';

/** What pictures are drawn with; whoever loaded it owns the weights. */
export interface DrawingModels {
  readonly base: Pipeline;
  readonly refiner: Pipeline | undefined;
  /** Of all that came from the hub. */
  readonly commits: HubCommits;
}

/**
 * Finds all that the command line names, downloads what of it is on the hub, and loads it. Revision and variant are of the
 * model; a denoiser, an autoencoder, an adapter and a refiner from elsewhere have their own.
 * @throws Error whose message says what is wrong, before any weight is read where that can be told
 */
export async function loadForDrawing(args: SampleArgs): Promise<DrawingModels> {
  const { commits, onSource } = collectCommits();
  const { main, beside } = hubOptions(args);
  const here = { ...beside, onSource };
  const without = (['unet', 'vae'] as const).filter((part) => args[part] !== undefined);
  const { path } = await resolve(args.model, { ...main, onSource, without });
  if ((await stat(path)).isDirectory()) await checkScheduler(path, args);
  const other = async (part: 'unet' | 'vae') => args[part] && resolvePart(args[part], part, here);
  const [unet, vae] = [await other('unet'), await other('vae')];
  const loading = { ...here, variant: args.variant };
  const base = await loadPipeline(path, { ...loading, unet, vae, config: args.config });
  try {
    for (const { path: adapter, scale } of args.lora)
      await mergeLoraFile(base, adapter, { ...here, scale });
    const refiner = args.refiner === undefined ? undefined : await loadPipeline(args.refiner, here);
    return { base, refiner, commits };
  } catch (error) {
    disposePipeline(base);
    throw error;
  }
}

/** Refuses a scheduler that is not supported, and a number of steps that it does not have. */
async function checkScheduler(
  model: string,
  { scheduler, steps }: Pick<SampleArgs, 'scheduler' | 'steps'>,
): Promise<void> {
  const file = await readJson(join(model, 'scheduler', 'scheduler_config.json'));
  const config = { _class_name: '', ...file } as SchedulerConfig;
  const sampler = makeSampler(pipelineScheduler(config, scheduler), { scheduler });
  const noNoise = () => {
    throw new Error('No step is made here.');
  };
  sampler.start(steps, { drawNoise: noNoise }).dispose();
}
