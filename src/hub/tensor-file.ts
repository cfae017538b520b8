import { open } from 'node:fs/promises';
import { openPickled } from './pickle/read';
import { openSafetensors } from './safetensors-reader';
import type { TensorSource } from './tensor-source';

/** Endings of the files that PyTorch writes. */
export const PICKLED = /\.(bin|ckpt|pt|pth)$/i;

const ZIP = 'PK\x03\x04';

/**
 * Opens a file of tensors: safetensors, or what `torch.save` writes, of which only tensors are read and nothing is run.
 * @throws CheckpointError where it is damaged or holds anything else
 */
export async function openTensors(path: string): Promise<TensorSource> {
  const isPickled = PICKLED.test(path) || (await begins(path, ZIP));
  return isPickled ? openPickled(path) : openSafetensors(path);
}

async function begins(path: string, text: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined); // the format's own reader tells why
  if (!handle) return false;
  try {
    const bytes = new Uint8Array(text.length);
    await handle.read(bytes, 0, bytes.length, 0);
    return Buffer.from(bytes).toString('latin1') === text;
  } finally {
    await handle.close();
  }
}
