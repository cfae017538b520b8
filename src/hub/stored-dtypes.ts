import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightDType } from './model-folder';
import { TEXT_KINDS, UNET, VAE } from './model-kinds';
import { openTensors } from './tensor-file';
import type { StoredTensor } from './tensor-source';
import { openWeightFiles } from './weight-files';

/** Element types that keep every number of a pipeline's files: of the denoiser, and of all else. */
export interface StoredDTypes {
  readonly unet: WeightDType;
  readonly encoders: WeightDType;
}

/** Reads the element types of a pipeline's weights. @param path a folder, or a single file */
export async function storedDTypes(
  path: string,
  { variant }: { readonly variant?: string | undefined } = {},
): Promise<StoredDTypes> {
  if ((await stat(path)).isFile()) {
    const { entries, close } = await opened(path);
    const isUnet = ([name]: readonly [string, StoredTensor]) =>
      name.startsWith('model.diffusion_model.');
    const all = [...entries];
    await close();
    return {
      unet: keeping(all.filter(isUnet).map(([, tensor]) => tensor)),
      encoders: keeping(all.filter((entry) => !isUnet(entry)).map(([, tensor]) => tensor)),
    };
  }
  const present = await readdir(path);
  const tensors = async (part: string, stem: string) => {
    if (!present.includes(part)) return [];
    const files = await openWeightFiles(join(path, part), stem, { variant });
    const found = [...files.weights.values()].flatMap(
      ({ file, name }) => file.entries.get(name) ?? [],
    );
    await files.close();
    return found;
  };
  const texts = Object.entries(TEXT_KINDS).map(([suffix, { stem }]) =>
    tensors(`text_encoder${suffix}`, stem),
  );
  const encoders = await Promise.all([tensors('vae', VAE.stem), ...texts]);
  return { unet: keeping(await tensors('unet', UNET.stem)), encoders: keeping(encoders.flat()) };
}

async function opened(path: string) {
  const source = await openTensors(path);
  return { entries: source.entries, close: () => source.close() };
}

/** One that holds the numbers of all; integers are no weights. */
function keeping(tensors: readonly StoredTensor[]): WeightDType {
  const floats = new Set(tensors.map(({ dtype }) => dtype).filter((dtype) => /F/.test(dtype)));
  const [only] = floats;
  return floats.size === 1 && (only === 'F16' || only === 'BF16') ? only : 'F32';
}
