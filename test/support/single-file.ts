import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesPerElement } from '../../src/hub/dtypes';
import { openTensors } from '../../src/hub/tensor-file';
import { elementCount } from '../../src/hub/tensor-source';
import { fixturePath, jsonFixture } from './fixtures';

/** A folder, and what diffusers takes from the file of the original layout that is made of it (make_single_file.py). */
export interface OriginalFile {
  readonly folder: string;
  /** By name: shape, and the beginning of the SHA-256 of the bytes. */
  readonly tensors: Readonly<Record<string, string>>;
}

/** By family. */
export const originalFiles = jsonFixture<{
  readonly files: Readonly<Record<'sd1' | 'sd2' | 'sdxl' | 'refiner', OriginalFile>>;
}>('single-file.json').files;

/** What a weight file holds, as make_single_file.py describes it. */
export async function describedTensors(path: string): Promise<Record<string, string>> {
  const file = await openTensors(path);
  const found: Record<string, string> = {};
  for (const [name, { dtype, shape }] of file.entries) {
    const bytes = new Uint8Array(elementCount(shape) * bytesPerElement(dtype));
    await file.readBytes(name, bytes, 0);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
    found[name] = `[${shape}] ${hash}`;
  }
  await file.close();
  return found;
}

/** All tensors of a pipeline's folder, under the names that transformers 5 writes, and the configs of its parts. */
export async function describedFolder(dir: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const part of readdirSync(dir, { withFileTypes: true })) {
    if (!part.isDirectory()) continue;
    for (const name of readdirSync(join(dir, part.name))) {
      const path = join(dir, part.name, name);
      if (name === 'config.json') found[part.name] = JSON.parse(readFileSync(path, 'utf8'));
      if (!name.endsWith('.safetensors')) continue;
      for (const [key, told] of Object.entries(await describedTensors(path))) {
        const plain = part.name === 'text_encoder' ? key.replace(/^text_model\./, '') : key;
        found[`${part.name}/${plain}`] = told;
      }
    }
  }
  return found;
}

export const originalFolder = ({ folder }: OriginalFile): string =>
  fixturePath(...folder.split('/'));
