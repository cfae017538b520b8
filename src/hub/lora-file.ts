/** Adapters as diffusers keeps them: `pytorch_lora_weights.safetensors`, every name behind `unet.`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { attachLora, type LoraConfig, type LoraUNet, loraWeights, type UNet } from '../models';
import { requireFrozen } from '../models/lora';
import { CheckpointError } from './checkpoint-error';
import { formatLoraMetadata, LORA_METADATA, parseLoraMetadata } from './lora-metadata';
import { openSafetensors, type SafetensorsFile } from './safetensors-reader';
import { writeSafetensors } from './safetensors-writer';
import { loadWeights } from './weights';

/** What diffusers calls the file in a folder. */
export const LORA_FILE = 'pytorch_lora_weights.safetensors';

const UNET = 'unet.';

/** Writes an adapter into a folder, which may exist, for `load_lora_weights` of diffusers. */
export async function saveLora({ adapter, config }: LoraUNet, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const tensors = adapter.names.map((name) => ({
    name: `${UNET}${name}`,
    dtype: 'F32' as const,
    shape: adapter.shape(name),
    data: () => adapter.read(name),
  }));
  const metadata = { format: 'pt', [LORA_METADATA]: formatLoraMetadata(config, UNET) };
  await writeSafetensors(join(dir, LORA_FILE), tensors, { metadata, checksum: 'sha256' });
}

/**
 * Puts a stored adapter on a denoiser. The caller owns the adapter. Also reads the names of diffusers before 0.18
 * (`….processor.to_q_lora.down.weight`) and of its scripts (`….to_q.lora.down.weight`).
 * @param path the folder, or the file itself
 * @throws CheckpointError that lists every weight that is missing, in excess, or of another shape
 */
export async function loadLora(path: string, base: UNet): Promise<LoraUNet> {
  requireFrozen(base);
  const file = await openSafetensors(path.endsWith('.safetensors') ? path : join(path, LORA_FILE));
  try {
    const config = storedConfig(file);
    const weights = new Map([...file.entries.keys()].map((name) => [name, { file, name }]));
    const files = { path: file.path, weights, close: () => file.close() };
    const shapes = shapesOf(file.path, base, config);
    return attachLora(base, await loadWeights(files, shapes, storedNames), config);
  } finally {
    await file.close();
  }
}

/** The configuration that the file tells, or the one that diffusers reads out of its weights: alpha as the rank. */
function storedConfig(file: SafetensorsFile): LoraConfig {
  const layers = new Map<string, number>();
  for (const { name, shape } of file.entries.values()) {
    const [, layer] = /^unet\.(.+)\.lora_A\.weight$/.exec(presentName(name)) ?? [];
    if (layer !== undefined) layers.set(layer, shape[0] ?? 0);
  }
  const [rank] = layers.values();
  if (rank === undefined)
    throw new CheckpointError(file.path, 'it has no adapter of a denoiser (unet.….lora_A.weight).');
  const derived = { rank, alpha: rank, targetModules: [...layers.keys()] };
  const metadata = file.metadata.get(LORA_METADATA);
  return metadata === undefined ? derived : parseLoraMetadata(file.path, metadata, UNET, derived);
}

function shapesOf(path: string, base: UNet, config: LoraConfig) {
  try {
    return loraWeights(base.config, config);
  } catch (error) {
    if (error instanceof RangeError) throw new CheckpointError(path, error.message);
    throw error;
  }
}

/** Older names and today's. Source: diffusers `UNET_TO_DIFFUSERS` in utils/state_dict_utils.py. */
const OLD_NAMES: readonly (readonly [old: RegExp, present: string])[] = [
  [/\.processor\./, '.'],
  [/\.lora_linear_layer\./, '.lora.'],
  [/\.to_out_lora\.(down|up)\./, '.to_out.0.lora.$1.'],
  [/\.(to_[qkv])_lora\.(down|up)\./, '.$1.lora.$2.'],
  [/\.lora\.down\./, '.lora_A.'],
  [/\.lora\.up\./, '.lora_B.'],
];

/** The name that a weight of an adapter has today. */
export const presentName = (name: string): string =>
  OLD_NAMES.reduce((text, [old, present]) => text.replace(old, present), name);

/** Names that an adapter's weight may have in a file. */
function storedNames(name: string): string[] {
  const scripts = name.replace('.lora_A.', '.lora.down.').replace('.lora_B.', '.lora.up.');
  const processor = scripts
    .replace(/\.(to_[qkv])\.lora\./, '.processor.$1_lora.')
    .replace('.to_out.0.lora.', '.processor.to_out_lora.');
  return [name, scripts, processor].map((stored) => `${UNET}${stored}`);
}
