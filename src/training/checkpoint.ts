/** Saving a run so that it can go on exactly where it was. */
import { createHash } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFolderAtomically, writeTextAtomically } from '../hub/atomic';
import type { Digests } from '../hub/safetensors-writer';
import { checkpointName, listCheckpoints, removeOldCheckpoints } from './checkpoint-folders';
import { describeFiles, formatManifest, MANIFEST } from './checkpoint-manifest';
import { withoutSecrets } from './configuration';
import { canonicalJson, exactJson, type JsonRecord } from './exact-json';
import { type NamedTensor, writeNamedTensors } from './named-tensors';

/** A file or folder of weights in a checkpoint: `unet`, `pytorch_lora_weights.safetensors`. */
export interface CheckpointPart {
  /** Below the checkpoint's folder. */
  readonly path: string;
  /** Writes it. Returns digests of what was hashed on the way, by full path; the rest is read again for the manifest. */
  write(path: string): Promise<Digests>;
}

/** All that a run needs to go on. */
export interface CheckpointParts {
  readonly weights: readonly CheckpointPart[];
  /** `optimizer.safetensors` */
  readonly optimizer: readonly NamedTensor[];
  /** `ema.safetensors` */
  readonly ema?: readonly NamedTensor[];
  /** `generators.json`: states of the torch, Python and worker generators. */
  readonly generators: JsonRecord;
  /** `data.json`: the sampler's permutation and cursor, what was drawn ahead. */
  readonly data: JsonRecord;
  /** `lr_schedule.json` */
  readonly lrSchedule: JsonRecord;
  /** `training_state.json`: global step, counters. */
  readonly trainingState: JsonRecord;
  /** `config.json`: the options as resolved; tokens are left out. */
  readonly config: JsonRecord;
}

export interface SaveCheckpointOptions {
  /** How many checkpoints may be there afterwards, this one included. @default no limit */
  readonly totalLimit?: number;
}

/**
 * Writes `outputDir/checkpoint-<step>/` so that a crash at any moment leaves either no such folder or the whole one: a
 * hidden sibling is filled and synced, its manifest last, then renamed. Older checkpoints are touched only after that.
 * @returns the folder's path
 * @throws Error that names the file which could not be written; the earlier checkpoints stay as they were
 */
export async function saveCheckpoint(
  outputDir: string,
  step: number,
  parts: CheckpointParts,
  { totalLimit }: SaveCheckpointOptions = {},
): Promise<string> {
  if (totalLimit !== undefined && !(Number.isInteger(totalLimit) && totalLimit > 0))
    throw new RangeError(`checkpoints_total_limit must be 1 or more; got ${totalLimit}.`);
  const target = join(outputDir, checkpointName(step));
  let current = '.';
  const fill = async (folder: string) => {
    let digests: Digests = {};
    for (const part of checkpointFiles(parts)) {
      current = part.path;
      digests = { ...digests, ...(await part.write(join(folder, part.path))) };
    }
    current = MANIFEST;
    await syncTree(folder);
    const files = await describeFiles(folder, digests);
    const configSha256 = configHash(parts.config);
    const manifest = formatManifest({ step, configSha256, files });
    await writeTextAtomically(join(folder, MANIFEST), manifest);
  };
  try {
    await writeFolderAtomically(target, fill, { existing: 'replace' });
  } catch (error) {
    throw await notSaved(error, join(target, current), outputDir);
  }
  if (totalLimit !== undefined) await removeOldCheckpoints(outputDir, totalLimit, step);
  return target;
}

/** SHA-256 of the options, whatever their order. */
export function configHash(config: JsonRecord): string {
  return createHash('sha256')
    .update(canonicalJson(withoutSecrets(config)))
    .digest('hex');
}

function checkpointFiles(parts: CheckpointParts): CheckpointPart[] {
  const tensors = (path: string, arrays: readonly NamedTensor[]): CheckpointPart => ({
    path,
    write: (file) => writeNamedTensors(file, arrays),
  });
  const json = (path: string, value: JsonRecord, indent?: number): CheckpointPart => ({
    path,
    write: async (file) => {
      await writeTextAtomically(file, exactJson(value, indent));
      return {};
    },
  });
  return [
    ...parts.weights,
    tensors('optimizer.safetensors', parts.optimizer),
    ...(parts.ema === undefined ? [] : [tensors('ema.safetensors', parts.ema)]),
    json('generators.json', parts.generators), // without indents: 624 words each
    json('data.json', parts.data),
    json('lr_schedule.json', parts.lrSchedule, 2),
    json('training_state.json', parts.trainingState, 2),
    json('config.json', withoutSecrets(parts.config), 2),
  ];
}

/** Brings every file and folder to the disk, whoever wrote it. */
async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else await syncFile(path);
  }
  await syncFolder(folder);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Temporary names, for a message that tells the final ones. */
const TEMPORARY = /\.([^/\\]+?)\.\d+\.[0-9a-f]{8}\.incomplete/g;

async function notSaved(error: unknown, part: string, outputDir: string): Promise<Error> {
  const plain = (text: string) => text.replace(TEMPORARY, '$1');
  const { path, message } = error as NodeJS.ErrnoException;
  const file = path === undefined ? part : plain(path);
  const reason = plain(message).replace(`${file}: `, '');
  const [newest] = await listCheckpoints(outputDir);
  const left = newest ? `${newest.path} is still there` : 'there is no checkpoint yet';
  return new Error(`${file} could not be written (${reason}); ${left}.`, { cause: error });
}
