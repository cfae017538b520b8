/** Choosing the checkpoint to go on from, and reading it. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CheckpointError } from '../hub/checkpoint-error';
import { readJson } from '../hub/json-file';
import { openSafetensors, type SafetensorsFile } from '../hub/safetensors-reader';
import { listCheckpoints } from './checkpoint-folders';
import { type Manifest, verifyCheckpoint } from './checkpoint-manifest';
import type { JsonRecord } from './exact-json';

/** A checkpoint that its manifest vouches for. */
export interface FoundCheckpoint {
  readonly path: string;
  /** Optimizer steps taken. */
  readonly step: number;
  /** Newer ones that do not verify, and why: to be told to the user. */
  readonly passedOver: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * The checkpoint that `--resume_from_checkpoint` means: 'latest', a name in the output folder (`checkpoint-500`), or a
 * path. 'latest' is the one of most steps that verifies; undefined where there is none at all.
 * @throws CheckpointError where the one that was named does not exist or verify, or none of several does
 */
export async function findCheckpoint(
  outputDir: string,
  which: string,
): Promise<FoundCheckpoint | undefined> {
  if (which !== 'latest') return namedCheckpoint(outputDir, which);
  const passedOver: { path: string; reason: string }[] = [];
  for (const { path, step } of await listCheckpoints(outputDir)) {
    try {
      const manifest = await verifyCheckpoint(path);
      if (manifest.step === step) return { path, step, passedOver };
      passedOver.push({ path, reason: `its manifest is of step ${manifest.step}` });
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      passedOver.push({ path, reason: error.message });
    }
  }
  if (passedOver.length === 0) return undefined;
  // Starting anew in silence would overwrite what a person may still be able to save.
  const reasons = passedOver.map(({ path, reason }) => `${path} (${reason})`);
  throw new CheckpointError(outputDir, `no checkpoint in it verifies: ${reasons.join('; ')}`);
}

async function namedCheckpoint(outputDir: string, which: string): Promise<FoundCheckpoint> {
  const name = which.replace(/[/\\]+$/, '');
  const path = /[/\\]/.test(name) || name === '.' ? resolve(name) : join(outputDir, name);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new CheckpointError(path, 'there is no such checkpoint to resume from.');
  const { step } = await verifyCheckpoint(path);
  return { path, step, passedOver: [] };
}

/** Readers of a checkpoint's parts; each reads when it is called. */
export interface LoadedCheckpoint {
  readonly path: string;
  readonly manifest: Manifest;
  generators(): Promise<JsonRecord>;
  data(): Promise<JsonRecord>;
  lrSchedule(): Promise<JsonRecord>;
  trainingState(): Promise<JsonRecord>;
  config(): Promise<JsonRecord>;
  /** Caller closes it. */
  optimizer(): Promise<SafetensorsFile>;
  /** Undefined where the run had no moving average. Caller closes it. */
  ema(): Promise<SafetensorsFile | undefined>;
  /** Full path of a file or folder of weights: `weights('unet')`. @throws CheckpointError where it is not part of it. */
  weights(name: string): string;
}

/**
 * Opens a checkpoint that {@link findCheckpoint} has verified.
 * @throws CheckpointError where names or sizes are not the manifest's
 */
export async function loadCheckpoint(path: string): Promise<LoadedCheckpoint> {
  const manifest = await verifyCheckpoint(path, 'sizes');
  const json = (name: string) => () => readJson(join(path, name));
  const has = (name: string) =>
    [...manifest.files.keys()].some((file) => file === name || file.startsWith(`${name}/`));
  return {
    path,
    manifest,
    generators: json('generators.json'),
    data: json('data.json'),
    lrSchedule: json('lr_schedule.json'),
    trainingState: json('training_state.json'),
    config: json('config.json'),
    optimizer: () => openSafetensors(join(path, 'optimizer.safetensors')),
    ema: async () =>
      has('ema.safetensors') ? openSafetensors(join(path, 'ema.safetensors')) : undefined,
    weights: (name) => {
      if (has(name)) return join(path, name);
      throw new CheckpointError(path, `it holds no ${name}.`);
    },
  };
}
