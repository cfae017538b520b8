/** `manifest.json` of a checkpoint: every file with its size and hash, written after all of them. */
import { createHash } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../hub/checkpoint-error';
import { readText } from '../hub/json-file';
import type { Digests } from '../hub/safetensors-writer';
import { StrictJson } from '../hub/strict-json';

export const MANIFEST = 'manifest.json';

/** What one file must be. */
export interface FileFacts {
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
}

export interface Manifest {
  /** Optimizer steps taken. */
  readonly step: number;
  /** Hash of the options, whatever their order in `config.json`. */
  readonly configSha256: string;
  /** By path below the checkpoint's folder, with `/` between the parts. */
  readonly files: ReadonlyMap<string, FileFacts>;
}

const FORMAT = 'diffusion-dpo checkpoint 1';
const CHUNK = 1 << 24; // bytes per read

export function formatManifest({ step, configSha256, files }: Manifest): string {
  const json = {
    format: FORMAT,
    step,
    config_sha256: configSha256,
    files: Object.fromEntries([...files].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

/** Reads a checkpoint's manifest. @throws CheckpointError where it is missing or anything but what we write. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  const text = await readText(path);
  try {
    return parseManifest(new StrictJson(text, 'the manifest'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new CheckpointError(path, `${error.message}.`);
    throw error;
  }
}

function parseManifest(json: StrictJson): Manifest {
  const found: { format?: string; step?: number; configSha256?: string } = {};
  const files = new Map<string, FileFacts>();
  json.object('the manifest', (name) => {
    if (name === 'format') found.format = json.string();
    else if (name === 'step') found.step = json.integer();
    else if (name === 'config_sha256') found.configSha256 = sha256(json);
    else if (name === 'files') json.object('files', (file) => files.set(file, facts(json, file)));
    else json.fail(`the unknown field ${JSON.stringify(name)} stands there`);
  });
  json.end();
  const { format, step, configSha256 } = found;
  if (format !== FORMAT) return json.fail(`format ${JSON.stringify(format)} is not "${FORMAT}"`);
  if (step === undefined || configSha256 === undefined || files.size === 0)
    return json.fail('step, config_sha256 and files are needed');
  return { step, configSha256, files };
}

/** A plain name at every level: no `..`, no absolute path, nothing hidden. */
const SAFE_PATH = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/;

function facts(json: StrictJson, file: string): FileFacts {
  if (!SAFE_PATH.test(file) || file === MANIFEST)
    json.fail(`${JSON.stringify(file)} is no name of a file in a checkpoint`);
  const found: { size?: number; sha256?: string } = {};
  json.object(file, (name) => {
    if (name === 'size') found.size = json.integer();
    else if (name === 'sha256') found.sha256 = sha256(json);
    else json.fail(`${file} has the unknown field ${JSON.stringify(name)}`);
  });
  const { size, sha256: hash } = found;
  if (size === undefined || hash === undefined) return json.fail(`${file} needs size and sha256`);
  return { size, sha256: hash };
}

function sha256(json: StrictJson): string {
  const text = json.string();
  return /^[0-9a-f]{64}$/.test(text) ? text : json.fail('a SHA-256 has 64 hex digits');
}

/**
 * Sizes and hashes of all files of a folder.
 * @param digests hashes that are known from writing, by full path; only the other files are read
 */
export async function describeFiles(
  folder: string,
  digests: Digests,
): Promise<Map<string, FileFacts>> {
  const files = new Map<string, FileFacts>();
  for (const [name, size] of await fileSizes(folder)) {
    const path = join(folder, name);
    files.set(name, { size, sha256: digests[path] ?? (await hashFile(path)) });
  }
  return files;
}

/**
 * Holds a checkpoint against its manifest: names and sizes first, which is quick, then hashes.
 * @param depth 'sizes' reads no contents
 * @throws CheckpointError that names the first file at fault
 */
export async function verifyCheckpoint(
  folder: string,
  depth: 'sizes' | 'hashes' = 'hashes',
): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const sizes = await fileSizes(folder);
  sizes.delete(MANIFEST);
  for (const [name, { size }] of manifest.files) {
    const found = sizes.get(name);
    if (found === undefined) throw new CheckpointError(join(folder, name), 'it is missing.');
    if (found !== size)
      throw new CheckpointError(join(folder, name), `it has ${found} bytes, expected ${size}.`);
    sizes.delete(name);
  }
  for (const name of sizes.keys())
    throw new CheckpointError(join(folder, name), 'the manifest does not list this file.');
  if (depth === 'sizes') return manifest;
  for (const [name, { sha256: expected }] of manifest.files) {
    const found = await hashFile(join(folder, name));
    if (found === expected) continue;
    const reason = `it is damaged: its SHA-256 is ${found}, expected ${expected}.`;
    throw new CheckpointError(join(folder, name), reason);
  }
  return manifest;
}

/** All files below `folder` but hidden ones. @throws CheckpointError at a link or a device. */
export async function fileSizes(folder: string, prefix = ''): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory()) {
      for (const [inner, size] of await fileSizes(folder, `${name}/`)) sizes.set(inner, size);
    } else {
      const path = join(folder, name);
      if (!entry.isFile()) throw new CheckpointError(path, 'it is neither a file nor a folder.');
      sizes.set(name, (await lstat(path)).size);
    }
  }
  return sizes;
}

async function hashFile(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = new Uint8Array(Math.min(CHUNK, Math.max(1, (await handle.stat()).size)));
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}
