import { join } from 'node:path';
import { CheckpointError } from './checkpoint-error';
import { isJsonObject, type JsonObject, readJsonIfThere } from './json-file';

/** How a CLIP model's pictures are prepared: shorter side resized, centre cut out, scaled, normalised. */
export interface ImageProcessor {
  /** The settings as they were read, to be written back. */
  readonly json: JsonObject;
  readonly shortestEdge: number;
  readonly cropHeight: number;
  readonly cropWidth: number;
  readonly resample: 'bilinear' | 'bicubic';
  /** What a byte is multiplied by before the normalisation. */
  readonly rescaleFactor: number;
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
}

const STEPS = ['do_resize', 'do_center_crop', 'do_rescale', 'do_normalize'];
const RESAMPLE = new Map<unknown, ImageProcessor['resample']>([
  [2, 'bilinear'], // PIL's numbers
  [3, 'bicubic'],
]);

/**
 * Reads `preprocessor_config.json` (transformers 4), or the image processor inside `processor_config.json` (5).
 * @throws CheckpointError naming the file and the setting that is absent or not supported
 */
export async function readImageProcessor(dir: string): Promise<ImageProcessor> {
  const single = join(dir, 'preprocessor_config.json');
  const json = await readJsonIfThere(single);
  if (json) return parseImageProcessor(single, json);
  const combined = join(dir, 'processor_config.json');
  const inner = (await readJsonIfThere(combined))?.image_processor;
  if (isJsonObject(inner)) return parseImageProcessor(combined, inner);
  throw new CheckpointError(single, 'there is no such file, nor a processor_config.json.');
}

/** Checks an image processor's settings. @param path names their file in errors. @throws CheckpointError */
export function parseImageProcessor(path: string, json: JsonObject): ImageProcessor {
  for (const step of STEPS) {
    if (json[step] === false) throw new CheckpointError(path, `"${step}" false is not supported.`);
  }
  const { size, crop_size: crop } = json;
  const edge = isJsonObject(size) ? size.shortest_edge : size;
  const [height, width] = isJsonObject(crop) ? [crop.height, crop.width] : [crop, crop];
  const resample = RESAMPLE.get(json.resample ?? 3);
  if (!resample) throw new CheckpointError(path, `"resample" ${json.resample} is not supported.`);
  return {
    json,
    shortestEdge: side(path, 'size', edge),
    cropHeight: side(path, 'crop_size', height),
    cropWidth: side(path, 'crop_size', width),
    resample,
    rescaleFactor: positive(path, 'rescale_factor', json.rescale_factor ?? 1 / 255),
    imageMean: perChannel(path, 'image_mean', json.image_mean),
    imageStd: perChannel(path, 'image_std', json.image_std),
  };
}

function side(path: string, name: string, value: unknown): number {
  if (Number.isInteger(value) && Number(value) > 0 && Number(value) <= 4096) return Number(value);
  throw new CheckpointError(
    path,
    `"${name}" must be 1 to 4096 pixels; got ${JSON.stringify(value)}.`,
  );
}

function positive(path: string, name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
  throw new CheckpointError(path, `"${name}" must be positive; got ${JSON.stringify(value)}.`);
}

function perChannel(path: string, name: string, value: unknown): readonly [number, number, number] {
  const [r, g, b, ...rest]: unknown[] = Array.isArray(value) ? value : [];
  if (
    typeof r === 'number' &&
    typeof g === 'number' &&
    typeof b === 'number' &&
    rest.length === 0
  ) {
    return [r, g, b];
  }
  throw new CheckpointError(path, `"${name}" must be three numbers; got ${JSON.stringify(value)}.`);
}
