import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve as resolvePath } from 'node:path';
import { decodeImage, encodePng, type RgbImage } from '../data/image';
import {
  defaultGuidance,
  imagesFromLatents,
  makeSampler,
  pipelineScheduler,
  type SchedulerConfig,
  sample,
  sampleRefined,
} from '../diffusion';
import type { MixedPrecision } from '../engine';
import { disposePipeline, loadPipeline, mergeLoraFile, type Pipeline, resolve } from '../hub';
import { writeFileAtomically } from '../hub/atomic';
import { readJson } from '../hub/json-file';
import { STABLE_DIFFUSION, vaePrecision } from '../models';
import { computedPrecision } from './args';
import { checkOutputs, outputNames, UsageError } from './output-files';
import { pictureGrid } from './picture-grid';
import { ProgressLine } from './progress-line';
import type { SampleArgs } from './sample-args';
import { TransferLine } from './transfer-line';

/**
 * Loads the folder, from the hub where it is a name of that, draws, and writes the pictures, all of them after the last step.
 *
 * @returns the names of the files
 * @throws Error whose message says what is wrong, before any weight is read where that can be told
 */
export async function drawToFiles(args: SampleArgs): Promise<string[]> {
  const existing = args.overwrite ? 'replace' : 'refuse';
  const paths = outputNames(args.output, args.grid ? 1 : args.num_images);
  await checkOutputs(paths, existing);
  const { path: model } = await resolve(args.model, new TransferLine().options());
  if ((await stat(model)).isDirectory()) await checkScheduler({ ...args, model });
  const over = args.init_image === undefined ? undefined : await pictureIn(args.init_image);

  const { unet, vae, config, lora } = args;
  const hub = new TransferLine().options();
  const pipeline = await loadPipeline(model, { unet, vae, config, ...hub });
  let refiner: Pipeline | undefined;
  try {
    refiner = args.refiner === undefined ? undefined : await loadPipeline(args.refiner, hub);
    for (const adapter of lora) await mergeLoraFile(pipeline, adapter.path, adapter);
    noteTruncation(pipeline, args);
    const precision = computedPrecision(args.mixed_precision, console.error);
    const drawn = drawImages({ base: pipeline, refiner }, args, over, precision);
    const images = args.grid ? [pictureGrid(drawn)] : drawn;
    await checkOutputs(paths, existing); // others may have written meanwhile
    for (const [i, image] of images.entries()) {
      const { width, height } = image;
      const png = await encodePng(image, {
        text: pngText(pipeline, args, precision, { image: i, width, height }),
      });
      await writeFileAtomically(paths[i] ?? args.output, (file) => file.writeFile(png));
    }
    return paths;
  } finally {
    disposePipeline(pipeline);
    if (refiner) disposePipeline(refiner);
  }
}

/** @throws UsageError where there is no such picture */
async function pictureIn(path: string): Promise<RgbImage> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`The picture ${path} cannot be read (${error.code}).`);
  });
  return decodeImage(bytes);
}

/** Refuses a scheduler that is not supported, and a number of steps that it does not have. */
async function checkScheduler({ model, scheduler, steps }: SampleArgs): Promise<void> {
  const file = await readJson(join(model, 'scheduler', 'scheduler_config.json'));
  const config = { _class_name: '', ...file } as SchedulerConfig;
  const sampler = makeSampler(pipelineScheduler(config, scheduler), { scheduler });
  const noNoise = () => {
    throw new Error('No step is made here.');
  };
  sampler.start(steps, { drawNoise: noNoise }).dispose();
}

/** Says so where the model reads only the beginning of a text, as diffusers does. */
function noteTruncation({ tokenizer }: Pipeline, { prompt, negative_prompt }: SampleArgs): void {
  const room = tokenizer.modelMaxLength - 2; // start and end tokens
  for (const [name, text = ''] of Object.entries({ prompt, negative_prompt })) {
    const { length } = tokenizer.textIds(text);
    if (length > room)
      console.error(`${name} has ${length} tokens; the model reads the first ${room}.`);
  }
}

function drawImages(
  { base, refiner }: { readonly base: Pipeline; readonly refiner: Pipeline | undefined },
  args: SampleArgs,
  image: RgbImage | undefined,
  mixedPrecision: MixedPrecision,
) {
  const line = new ProgressLine('drawing', 'step');
  const options = {
    prompt: args.prompt,
    negativePrompt: args.negative_prompt,
    seed: args.seed,
    numInferenceSteps: args.steps,
    guidanceScale: args.guidance_scale,
    guidanceRescale: args.guidance_rescale,
    clipSkip: args.clip_skip,
    image,
    strength: args.strength,
    height: args.height,
    width: args.width,
    scheduler: args.scheduler,
    eta: args.eta,
    numImages: args.num_images,
    mixedPrecision,
  };
  const last = refiner ?? base;
  const seen = refiner
    ? sampleRefined(base, refiner, { ...options, switchAt: args.refiner_start })
    : sample(base, options);
  for (const { step, steps, latents } of seen) {
    line.update(step + 1, steps);
    if (step !== steps - 1) continue;
    const precision = vaePrecision(last, mixedPrecision);
    return imagesFromLatents(last.vae, latents, { mixedPrecision: precision });
  }
  return [];
}

interface Picture {
  readonly image: number;
  readonly width: number;
  readonly height: number;
}

/** Everything needed to draw the picture again, but for the path of the model. */
function pngText(
  { scheduler, conditioning = STABLE_DIFFUSION }: Pipeline,
  args: SampleArgs,
  precision: MixedPrecision,
  picture: Picture,
) {
  const settings = {
    model: basename(resolvePath(args.model)),
    steps: args.steps,
    guidance_scale: args.guidance_scale ?? defaultGuidance(conditioning),
    scheduler: args.scheduler ?? scheduler._class_name,
    eta: args.eta,
    ...(args.guidance_rescale > 0 ? { guidance_rescale: args.guidance_rescale } : {}),
    ...(args.clip_skip > 0 ? { clip_skip: args.clip_skip } : {}),
    ...(args.init_image === undefined
      ? {}
      : { init_image: basename(args.init_image), strength: args.strength ?? 0.8 }),
    ...partsText(args),
    num_images: args.num_images,
    mixed_precision: precision,
    ...picture,
  };
  return {
    prompt: args.prompt,
    ...(args.negative_prompt === undefined ? {} : { negative_prompt: args.negative_prompt }),
    seed: seedText(args, picture),
    settings: JSON.stringify(settings),
    Software: 'diffusion-dpo',
  };
}

/** What was put into the model, by the names of files and folders. */
function partsText({ unet, vae, lora, refiner, refiner_start }: SampleArgs) {
  const name = (path: string) => basename(resolvePath(path));
  return {
    ...(unet === undefined ? {} : { unet: name(unet) }),
    ...(vae === undefined ? {} : { vae: name(vae) }),
    ...(refiner === undefined ? {} : { refiner: name(refiner), refiner_start }),
    ...(lora.length === 0 ? {} : { lora: lora.map(({ path, scale }) => `${name(path)}:${scale}`) }),
  };
}

/** The seed of all pictures, or the picture's own; of a grid all. */
function seedText({ seed, grid }: SampleArgs, { image }: Picture): string {
  if (typeof seed === 'number') return String(seed);
  return grid ? seed.join(',') : String(seed[image]);
}
