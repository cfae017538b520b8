/** What of an output folder is sent, and under which names. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, readJsonIfThere } from '../json-file';
import { LORA_FILE } from '../lora-file';
import { sizeOf } from './cache-layout';
import { checkFileNames } from './file-names';
import { HubError } from './hub-error';

export interface UploadFile {
  /** In the repository. */
  readonly path: string;
  /** On this disk. */
  readonly source: string;
  readonly size: number;
}

export interface UploadChoice {
  /**
   * `pipeline`: all parts, as diffusers loads them; `unet`: the denoiser alone. @default 'pipeline' where the folder is one
   */
  readonly part?: 'pipeline' | 'unet' | undefined;
  /**
   * `diffusers`: the denoiser in `unet/`; `root`: its two files at the root, as the original's upload_model_to_hub.py sends
   * them. @default 'diffusers'
   */
  readonly layout?: 'diffusers' | 'root' | undefined;
}

/** Weights and what describes them; never logs, metrics, checkpoints or what an editor left. */
const SENT = /^[\w-][\w.-]*\.(json|safetensors|txt|model)$/;

/**
 * The files of a folder that make a model, without its card.
 * @throws HubError where there is no model in it
 */
export async function planUpload(folder: string, choice: UploadChoice = {}): Promise<UploadFile[]> {
  const { layout = 'diffusers' } = choice;
  const index = await readJsonIfThere(join(folder, 'model_index.json'));
  const { part = index && layout === 'diffusers' ? 'pipeline' : 'unet' } = choice;
  if (part === 'pipeline' && (!index || layout === 'root')) {
    const fault = index
      ? 'the layout "root" is for the denoiser alone'
      : 'it has no model_index.json';
    throw new HubError(`${folder} cannot be sent as a pipeline: ${fault}.`, undefined, 'missing');
  }
  const parts =
    part === 'pipeline' && index
      ? Object.keys(index).filter((key) => Array.isArray(index[key]))
      : ['unet'];
  const files: UploadFile[] = [];
  for (const name of parts)
    files.push(...(await folderFiles(folder, name, layout === 'root' ? '' : `${name}/`)));
  for (const name of [...(part === 'pipeline' ? ['model_index.json'] : []), LORA_FILE])
    files.push(...(await oneFile(folder, name)));
  if (!files.some(({ path }) => path.endsWith('.safetensors')))
    throw new HubError(
      `${folder} has no model to send (unet/ with safetensors, or ${LORA_FILE}).`,
      undefined,
      'missing',
    );
  checkFileNames(files.map(({ path }) => path));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function folderFiles(root: string, name: string, under: string): Promise<UploadFile[]> {
  const folder = join(root, name);
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: UploadFile[] = [];
  for (const entry of entries.filter((file) => SENT.test(file))) {
    const size = await sizeOf(join(folder, entry));
    if (size !== undefined) found.push({ path: under + entry, source: join(folder, entry), size });
  }
  return found;
}

async function oneFile(folder: string, name: string): Promise<UploadFile[]> {
  const source = join(folder, name);
  const size = await sizeOf(source);
  return size === undefined ? [] : [{ path: name, source, size }];
}

/** The newest validation pictures of a run, for its card. */
export async function samplePictures(folder: string): Promise<UploadFile[]> {
  const root = join(folder, 'validation');
  const steps = await readdir(root).catch(() => [] as string[]); // most runs draw none
  const [newest] = steps
    .filter((name) => /^step-\d+$/.test(name))
    .sort((a, b) => Number(b.slice(5)) - Number(a.slice(5)));
  if (newest === undefined) return [];
  const names = (await readdir(join(root, newest))).filter((name) => /^\d+\.png$/.test(name));
  const pictures = names
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .slice(0, 8);
  return Promise.all(
    pictures.map(async (name) => {
      const source = join(root, newest, name);
      return { path: `samples/${name}`, source, size: (await stat(source)).size };
    }),
  );
}

/** Whether a JSON value is an interval of a win rate, as `winRate` gives it. */
export function isInterval(
  value: unknown,
): value is { mean: number; low: number; high: number; n: number } {
  return (
    isJsonObject(value) &&
    ['mean', 'low', 'high', 'n'].every((name) => typeof value[name] === 'number')
  );
}
