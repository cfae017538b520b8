import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from './checkpoint-error';
import { isJsonObject, readJsonIfThere } from './json-file';
import { openSafetensors, type SafetensorsFile } from './safetensors-reader';

/** One tensor of a model folder and the open file that holds it. */
export interface StoredWeight {
  readonly file: SafetensorsFile;
  readonly name: string;
}

/** The open weight files of one model: usually one, for very big models several. */
export interface WeightFiles {
  /** The file, or the index of several, to name in an error. */
  readonly path: string;
  readonly weights: ReadonlyMap<string, StoredWeight>;
  close(): Promise<void>;
}

/**
 * Opens a model folder's safetensors.
 * @param stem the file's name without its ending, such as `diffusion_pytorch_model`
 * @param options.variant a name part such as `fp16`, which is tried first. Without it the plain file is tried first,
 *   then `fp16`.
 * @throws CheckpointError where there is none, or one of them is damaged.
 */
export async function openWeightFiles(
  dir: string,
  stem: string,
  { variant }: { readonly variant?: string | undefined } = {},
): Promise<WeightFiles> {
  const plain = `${stem}.safetensors`;
  for (const part of variant === undefined ? ['', '.fp16'] : [`.${variant}`, '']) {
    const path = join(dir, `${stem}${part}.safetensors`);
    if (await isThere(path)) return openAll(path, [path]);
    for (const index of [`${stem}${part}.safetensors.index.json`, `${plain}.index${part}.json`]) {
      const shards = await readIndex(dir, join(dir, index));
      if (shards) return openAll(join(dir, index), shards);
    }
  }
  const pickled =
    (await isThere(join(dir, `${stem}.bin`))) || (await isThere(join(dir, 'pytorch_model.bin')));
  throw new CheckpointError(
    join(dir, plain),
    pickled
      ? 'there is no such file; the folder has only pickled weights (.bin), which are not read.'
      : 'there is no such file.',
  );
}

/** The shards that an index names; a name that leaves the folder is refused. */
async function readIndex(dir: string, path: string): Promise<string[] | undefined> {
  const index = await readJsonIfThere(path);
  if (!index) return undefined;
  const { weight_map: map } = index;
  if (!isJsonObject(map)) throw new CheckpointError(path, 'it has no weight_map.');
  const names = [...new Set(Object.values(map))];
  return names.map((name) => {
    if (typeof name === 'string' && /^[\w-][\w.-]*\.safetensors$/.test(name))
      return join(dir, name);
    throw new CheckpointError(
      path,
      `${JSON.stringify(name)} is no plain name of a safetensors file.`,
    );
  });
}

async function openAll(path: string, paths: readonly string[]): Promise<WeightFiles> {
  const files: SafetensorsFile[] = [];
  const close = async () => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    for (const name of paths) files.push(await openSafetensors(name));
    return { path, weights: merge(files), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function merge(files: readonly SafetensorsFile[]): ReadonlyMap<string, StoredWeight> {
  const weights = new Map<string, StoredWeight>();
  for (const file of files) {
    for (const name of file.entries.keys()) {
      const other = weights.get(name);
      if (other) {
        throw new CheckpointError(file.path, `"${name}" is also in ${other.file.path}.`);
      }
      weights.set(name, { file, name });
    }
  }
  return weights;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
