import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from './checkpoint-error';
import { isJsonObject, readJsonIfThere } from './json-file';
import { openTensors } from './tensor-file';
import type { TensorSource } from './tensor-source';

/** One tensor of a model folder and the open file that holds it. */
export interface StoredWeight {
  readonly file: TensorSource;
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
 * Opens a model folder's weights: safetensors, or where there are none the pickles of `torch.save`.
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
  const parts = variant === undefined ? ['', '.fp16'] : [`.${variant}`, ''];
  for (const ending of ['safetensors', 'bin'] as const) {
    // transformers' own name for its pickles
    const name = ending === 'bin' && stem === 'model' ? 'pytorch_model' : stem;
    for (const part of parts) {
      const path = join(dir, `${name}${part}.${ending}`);
      if (await isThere(path)) return openAll(path, [path]);
      for (const index of [
        `${name}${part}.${ending}.index.json`,
        `${name}.${ending}.index${part}.json`,
      ]) {
        const shards = await readIndex(dir, join(dir, index), ending);
        if (shards) return openAll(join(dir, index), shards);
      }
    }
  }
  throw new CheckpointError(join(dir, `${stem}.safetensors`), 'there is no such file.');
}

/** The shards that an index names; a name that leaves the folder is refused. */
async function readIndex(
  dir: string,
  path: string,
  ending: 'safetensors' | 'bin',
): Promise<string[] | undefined> {
  const index = await readJsonIfThere(path);
  if (!index) return undefined;
  const { weight_map: map } = index;
  if (!isJsonObject(map)) throw new CheckpointError(path, 'it has no weight_map.');
  const names = [...new Set(Object.values(map))];
  return names.map((name) => {
    const isPlain = typeof name === 'string' && /^[\w-][\w.-]*$/.test(name);
    if (isPlain && name.endsWith(`.${ending}`)) return join(dir, name);
    throw new CheckpointError(
      path,
      `${JSON.stringify(name)} is no plain name of a ${ending} file.`,
    );
  });
}

async function openAll(path: string, paths: readonly string[]): Promise<WeightFiles> {
  const files: TensorSource[] = [];
  const close = async () => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    for (const name of paths) files.push(await openTensors(name));
    return { path, weights: merge(files), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function merge(files: readonly TensorSource[]): ReadonlyMap<string, StoredWeight> {
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
