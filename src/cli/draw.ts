import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { decodeImage, encodePng, type RgbImage } from '../data/image';
import { defaultGuidance, imagesFromLatents, sample, sampleRefined } from '../diffusion';
import { engineInfo, type MixedPrecision } from '../engine';
import { disposePipeline, type Pipeline } from '../hub';
import { writeFileAtomically } from '../hub/atomic';
import type { HubCommits } from '../hub/remote/commits';
import { STABLE_DIFFUSION, vaePrecision } from '../models';
import { computedPrecision } from './args';
import { type DrawingModels, loadForDrawing } from './load-for-drawing';
import { memoryOptions } from './memory-flags';
import { checkOutputs, outputNames, UsageError } from './output-files';
import { pictureGrid } from './picture-grid';
import { ProgressLine } from './progress-line';
import type { SampleArgs } from './sample-args';

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
  const over = args.init_image === undefined ? undefined : await pictureIn(args.init_image);

  const models = await loadForDrawing(args);
  const { base, refiner } = models;
  try {
    noteTruncation(base, args);
    const precision = computedPrecision(args.mixed_precision, console.error);
    const drawn = drawImages(models, args, over, precision);
    const images = args.grid ? [pictureGrid(drawn)] : drawn;
    await checkOutputs(paths, existing); // others may have written meanwhile
    for (const [i, image] of images.entries()) {
      const { width, height } = image;
      const png = await encodePng(image, {
        text: pngText(models, args, precision, { image: i, width, height }),
      });
      await writeFileAtomically(paths[i] ?? args.output, (file) => file.writeFile(png));
    }
    return paths;
  } finally {
    disposePipeline(base);
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

/** Says so where the model reads only the beginning of a text, as diffusers does. */
function noteTruncation({ tokenizer }: Pipeline, { prompt, negative_prompt }: SampleArgs): void {
  const room = tokenizer.modelMaxLength - 2; // start and end tokens
  for (const [name, text = ''] of Object.entries({ prompt, negative_prompt })) {
    const { length } = tokenizer.textIds(text);
    if (length > room)
      console.error(
        `${name} has ${length} tokens; the model reads the first ${room}, and not "${tokenizer.cutOff(text)}".`,
      );
  }
}

function drawImages(
  { base, refiner }: DrawingModels,
  args: SampleArgs,
  image: RgbImage | undefined,
  mixedPrecision: MixedPrecision,
) {
  const line = new ProgressLine('drawing', 'step');
  const memory = memoryOptions(args, engineInfo().kernels, console.error);
  const options = {
    ...memory,
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
    return imagesFromLatents(last.vae, latents, { ...memory, mixedPrecision: precision });
  }
  return [];
}

interface Picture {
  readonly image: number;
  readonly width: number;
  readonly height: number;
}

/** Everything needed to draw the picture again, but for the folders in the path of the model. */
function pngText(
  { base, commits }: DrawingModels,
  args: SampleArgs,
  precision: MixedPrecision,
  picture: Picture,
) {
  const { scheduler, conditioning = STABLE_DIFFUSION } = base;
  const settings = {
    model: shownName(args.model),
    steps: args.steps,
    guidance_scale: args.guidance_scale ?? defaultGuidance(conditioning),
    scheduler: args.scheduler ?? scheduler._class_name,
    eta: args.eta,
    ...(args.guidance_rescale > 0 ? { guidance_rescale: args.guidance_rescale } : {}),
    ...(args.clip_skip > 0 ? { clip_skip: args.clip_skip } : {}),
    ...(args.init_image === undefined
      ? {}
      : { init_image: basename(args.init_image), strength: args.strength ?? 0.8 }),
    ...(args.vae_tiling === undefined ? {} : { vae_tiling: args.vae_tiling }),
    ...partsText(args),
    ...hubText(args, commits),
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

/** Of a path its last part; a name of the hub as it is. */
const shownName = (name: string) => (existsSync(name) ? basename(resolve(name)) : name);

/** Which of the hub's commits were drawn with. */
const hubText = ({ variant }: SampleArgs, hub: HubCommits) => ({
  ...(variant === undefined ? {} : { variant }),
  ...(Object.keys(hub).length === 0 ? {} : { hub }),
});

/** What was put into the model, by the names of files and folders. */
function partsText({ unet, vae, lora, refiner, refiner_start }: SampleArgs) {
  return {
    ...(unet === undefined ? {} : { unet: shownName(unet) }),
    ...(vae === undefined ? {} : { vae: shownName(vae) }),
    ...(refiner === undefined ? {} : { refiner: shownName(refiner), refiner_start }),
    ...(lora.length === 0
      ? {}
      : { lora: lora.map(({ path, scale }) => `${shownName(path)}:${scale}`) }),
  };
}

/** The seed of all pictures, or the picture's own; of a grid all. */
function seedText({ seed, grid }: SampleArgs, { image }: Picture): string {
  if (typeof seed === 'number') return String(seed);
  return grid ? seed.join(',') : String(seed[image]);
}
