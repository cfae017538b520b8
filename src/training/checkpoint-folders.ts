/** The checkpoints of one output folder: their names, their number, what a killed process left. */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, temporaryName } from '../hub/atomic';
import { CheckpointError } from '../hub/checkpoint-error';
import { MANIFEST, verifyCheckpoint } from './checkpoint-manifest';

/** A folder that has a checkpoint's name; whether it is whole is another question. */
export interface CheckpointFolder {
  readonly path: string;
  readonly step: number;
}

const NAME = /^checkpoint-(0|[1-9]\d{0,14})$/;

export const checkpointName = (step: number) => `checkpoint-${step}`;

/** Folders `checkpoint-N`, the largest N first; none where there is no output folder. */
export async function listCheckpoints(outputDir: string): Promise<CheckpointFolder[]> {
  const folders: CheckpointFolder[] = [];
  for (const name of await namesIn(outputDir)) {
    const step = NAME.exec(name)?.[1];
    const path = join(outputDir, name);
    if (step !== undefined && (await stat(path)).isDirectory())
      folders.push({ path, step: Number(step) });
  }
  return folders.sort((a, b) => b.step - a.step);
}

/**
 * Removes the checkpoints of the smallest steps until `totalLimit` are left, the one of `keepStep` among them. Each is
 * renamed before it is emptied: no half of one is ever called a checkpoint.
 */
export async function removeOldCheckpoints(
  outputDir: string,
  totalLimit: number,
  keepStep: number,
): Promise<void> {
  const others = (await listCheckpoints(outputDir)).filter(({ step }) => step !== keepStep);
  for (const { path } of others.slice(totalLimit - 1).reverse()) {
    const doomed = temporaryName(path).replace(/incomplete$/, 'removed');
    await rename(path, doomed);
    await syncFolder(outputDir);
    await rm(doomed, { recursive: true, force: true });
  }
}

/** Names that {@link temporaryName} and the removal give, for anything in an output folder. */
const LEFTOVER = /^\.(.+)\.\d+\.[0-9a-f]{8}\.(incomplete|removed)$/;

/** What was done about the leftovers of a killed process. */
export interface CleanedFolder {
  /** Checkpoints that were whole and lacked only their name. */
  readonly recovered: readonly string[];
  /** Hidden files and folders that were deleted. */
  readonly removed: readonly string[];
}

/**
 * Clears an output folder of what a killed process left, at the start of the next; only one process may use the folder.
 * A kill can fall between the two renames that replace a checkpoint: one that is whole gets its name back.
 */
export async function cleanOutputFolder(outputDir: string): Promise<CleanedFolder> {
  const recovered: string[] = [];
  const removed: string[] = [];
  for (const leftover of await newestFirst(outputDir)) {
    const [, name = '', kind] = LEFTOVER.exec(leftover) ?? [];
    const path = join(outputDir, leftover);
    const taken = (await namesIn(outputDir)).includes(name);
    if (kind === 'incomplete' && NAME.test(name) && !taken && (await isWhole(path))) {
      await rename(path, join(outputDir, name));
      await syncFolder(outputDir);
      recovered.push(join(outputDir, name));
    } else {
      await rm(path, { recursive: true, force: true });
      removed.push(path);
    }
  }
  return { recovered, removed };
}

async function newestFirst(outputDir: string): Promise<string[]> {
  const leftovers = (await namesIn(outputDir)).filter((name) => LEFTOVER.test(name));
  const times = new Map<string, number>();
  for (const name of leftovers) times.set(name, await manifestTime(join(outputDir, name)));
  return leftovers.sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
}

const manifestTime = (folder: string) =>
  ifThere(stat(join(folder, MANIFEST))).then((found) => found?.mtimeMs ?? 0);

async function isWhole(folder: string): Promise<boolean> {
  try {
    await verifyCheckpoint(folder);
    return true;
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    throw error;
  }
}

const namesIn = async (folder: string) => (await ifThere(readdir(folder))) ?? [];

/** Undefined where the file or folder does not exist. */
async function ifThere<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
