/** Where the weights of a scorer lie, and what reads its pictures and texts. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointError, HubError, type ResolveOptions, resolve } from '../hub';
import { OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS, openClipWeights } from '../hub/open-clip';

/** How to reach the hub, and which revision and variant of what is there. */
export type From = Omit<ResolveOptions, 'files' | 'without' | 'subfolder' | 'repoType'>;

/** A CLIP in one of its two layouts. */
export interface Place {
  readonly layout: 'transformers' | 'open_clip';
  readonly folder: string;
  /** OpenCLIP's file of weights; '' in transformers' layout. */
  readonly file: string;
  /** Commit of the hub, or `local`. */
  readonly revision: string;
}

/** The repository that the original takes the processor and the tokenizer of its CLIP-H scorers from. */
export const CLIP_H = 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K';

/** Small files of a CLIP repository: all that is told of model, pictures and texts. */
const SMALL_FILES = ['*.json', '*.txt'];

/**
 * Finds a CLIP by path or name.
 * @param prefer which layout is taken where a folder or repository has both
 * @param file of the repository, where it keeps its weights under a name of its own
 */
export async function findClip(
  weights: string,
  prefer: Place['layout'],
  { file, ...from }: From & { readonly file?: string | undefined },
): Promise<Place> {
  const stats = await stat(weights).catch(() => undefined);
  if (stats?.isFile()) return openClipFile(weights, 'local');
  if (!stats && file !== undefined) return fileOfHub(weights, [file], from);
  if (!stats && prefer === 'open_clip') {
    const place = await openClipOfHub(weights, from);
    if (place) return place;
  }
  const { path: folder, source } = await resolve(weights, from);
  const revision = source?.commit ?? 'local';
  const found = await openClipWeights(folder);
  const hasConfig = await isThere(join(folder, 'config.json'));
  if (found !== undefined && (prefer === 'open_clip' || !hasConfig))
    return openClipFile(found, revision);
  if (!hasConfig)
    throw new CheckpointError(
      join(folder, 'config.json'),
      `there is no such file, nor an OpenCLIP model (${OPEN_CLIP_WEIGHTS[0]}).`,
    );
  return { layout: 'transformers', folder, file: '', revision };
}

const openClipFile = (file: string, revision: string): Place => ({
  layout: 'open_clip',
  folder: dirname(file),
  file,
  revision,
});

/** OpenCLIP's weights of a repository, where it has them; those of the cache where the hub cannot be reached. */
async function openClipOfHub(name: string, from: From): Promise<Place | undefined> {
  const look = async (how: From) => {
    for (const file of OPEN_CLIP_WEIGHTS) {
      const files = [file, OPEN_CLIP_CONFIG, '*.json'];
      const place = await fileOfHub(name, files, how).catch(ifMissing);
      if (place) return place;
    }
    return undefined;
  };
  return look(from).catch(async (error: unknown) => {
    if (!(error instanceof HubError) || error.reason !== 'unreachable') throw error;
    const kept = await look({ ...from, network: 'offline' });
    if (!kept) throw error;
    from.onNote?.(`${error.message} Using the copy of ${name} in the cache (${kept.revision}).`);
    return kept;
  });
}

async function fileOfHub(name: string, files: readonly string[], from: From): Promise<Place> {
  const { files: paths, source } = await resolve(name, { ...from, files });
  return openClipFile(paths[0] ?? '', source?.commit ?? 'local');
}

/** In the cache a file that the repository does not have, and one that was not fetched, are told alike. */
function ifMissing(error: unknown): undefined {
  if (error instanceof HubError && (error.reason === 'missing' || error.reason === 'offline'))
    return;
  throw error;
}

/**
 * The folder of a tokenizer and an image processor: the one that is named, that of the weights where it has them, or
 * {@link CLIP_H}'s.
 */
export async function processorFolder(
  { folder }: Place,
  needed: 'tokenizer' | 'tokenizer and pictures',
  { processor, ...from }: From & { readonly processor?: string | undefined },
): Promise<string> {
  if (processor === undefined && (await hasProcessor(folder, needed))) return folder;
  const { revision: _, variant: __, ...anyRevision } = from; // those are of the weights
  const name = processor ?? CLIP_H;
  return (await resolve(name, { ...anyRevision, files: SMALL_FILES })).path;
}

async function hasProcessor(folder: string, needed: 'tokenizer' | 'tokenizer and pictures') {
  const hasOne = async (...names: readonly string[]) => {
    for (const name of names) if (await isThere(join(folder, name))) return true;
    return false;
  };
  if (!(await hasOne('tokenizer.json', 'vocab.json'))) return false;
  return needed === 'tokenizer' || hasOne('preprocessor_config.json', 'processor_config.json');
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
