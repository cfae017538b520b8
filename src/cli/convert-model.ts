import { lstat } from 'node:fs/promises';
import {
  disposePipeline,
  loadPipeline,
  mergeLoraFile,
  type Pipeline,
  resolve,
  saveLora,
  savePipeline,
  saveSingleFile,
  storedDTypes,
  type WeightDType,
} from '../hub';
import { writeFolderAtomically } from '../hub/atomic';
import { extractLora } from '../models';
import type { ConvertArgs } from './convert-args';
import { hubOptions } from './hub-flags';
import { UsageError } from './output-files';
import { LiveLine, ProgressLine } from './progress-line';

/**
 * Does what the command line says.
 * @throws UsageError where OUT exists, before anything is read
 */
export async function convertModel(args: ConvertArgs): Promise<void> {
  const { from, to, config, lora } = args;
  await refuseExisting(to);
  const line = new LiveLine(process.stderr);
  const say = (what: string) => line.show(() => `converting: ${what}`, 'running');
  const { main, beside } = hubOptions(args);
  say(`reading ${from}`);
  const { path } = await resolve(from, main);
  const pipeline = await loadPipeline(path, { ...beside, variant: args.variant, config });
  try {
    for (const adapter of lora) {
      say(`adding ${adapter.path} × ${adapter.scale}`);
      await mergeLoraFile(pipeline, adapter.path, { ...beside, scale: adapter.scale });
    }
    say(`writing ${to}`);
    await refuseExisting(to); // others may have written meanwhile
    await write(pipeline, path, args);
  } finally {
    line.end();
    disposePipeline(pipeline);
  }
}

async function write(pipeline: Pipeline, path: string, args: ConvertArgs): Promise<void> {
  const { to, dtype, variant, save_variant, extract_lora: rank, base } = args;
  if (rank !== undefined && base !== undefined) return writeLora(pipeline, { ...args, base }, rank);
  const stored = await storedDTypes(path, { variant });
  if (to.endsWith('.safetensors'))
    await saveSingleFile(pipeline, to, { dtype: dtype ?? common([stored.unet, stored.encoders]) });
  else
    await savePipeline(pipeline, to, {
      dtype: dtype ?? stored.unet,
      encoders: dtype ?? stored.encoders,
      variant: save_variant,
    });
}

/** The type that holds the numbers of all. */
const common = ([first, ...rest]: readonly [WeightDType, ...WeightDType[]]): WeightDType =>
  rest.every((dtype) => dtype === first) ? first : 'F32';

async function writeLora(
  tuned: Pipeline,
  { base: name, to, ...flags }: ConvertArgs & { readonly base: string },
  rank: number,
): Promise<void> {
  const base = await loadPipeline(name, hubOptions(flags).beside);
  try {
    const line = new ProgressLine('extracting', 'layer');
    const lora = extractLora(base.unet, tuned.unet, { rank }, (done, all) =>
      line.update(done, all),
    );
    await writeFolderAtomically(to, (folder) => saveLora(lora, folder));
    lora.adapter.dispose();
  } finally {
    disposePipeline(base);
  }
}

async function refuseExisting(path: string): Promise<void> {
  const isFree = await lstat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
  if (!isFree) throw new UsageError(`${path} exists, or cannot be written; it is not overwritten.`);
}
