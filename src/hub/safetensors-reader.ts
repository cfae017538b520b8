import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { CheckpointError } from './checkpoint-error';
import { decodeElements, type TensorData, toFloat32 } from './dtypes';
import {
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header';
import type { FileRegion } from './tensor-source';

/** The metadata field in which this project's writer leaves the SHA-256 of all bytes after the header. */
export const DATA_SHA256 = 'data_sha256';

const CHUNK = 1 << 24; // bytes per positional read

/** An open safetensors file: its header is checked, its tensors are read one at a time, from wherever they lie. */
export class SafetensorsFile {
  constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly header: SafetensorsHeader,
    private readonly dataStart: number,
  ) {}

  get metadata(): ReadonlyMap<string, string> {
    return this.header.metadata;
  }

  get entries(): ReadonlyMap<string, TensorEntry> {
    return this.header.entries;
  }

  /** One tensor's elements, exact. @throws CheckpointError where there is no such tensor or the file has shrunk. */
  async read(name: string): Promise<TensorData> {
    const { dtype, begin, end } = this.entry(name);
    const bytes = new ArrayBuffer(end - begin);
    await readAt(this.path, this.handle, new Uint8Array(bytes), this.dataStart + begin);
    return decodeElements(dtype, bytes);
  }

  /** Fills `bytes` with a tensor's stored bytes, little-endian, from byte `begin` of it on. */
  async readBytes(name: string, bytes: Uint8Array, begin: number): Promise<void> {
    const entry = this.entry(name);
    if (begin < 0 || begin + bytes.length > entry.end - entry.begin)
      throw new RangeError(`"${name}" has no bytes ${begin} to ${begin + bytes.length}.`);
    await readAt(this.path, this.handle, bytes, this.dataStart + entry.begin + begin);
  }

  /** Where the tensor's bytes are. */
  region(name: string): FileRegion {
    return { file: this.handle.fd, position: this.dataStart + this.entry(name).begin };
  }

  /** One tensor's elements as float32, rounded once where the file has F64 or I64. */
  async readFloat32(name: string): Promise<Float32Array> {
    return toFloat32(await this.read(name));
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private entry(name: string): TensorEntry {
    const entry = this.entries.get(name);
    if (!entry) throw new CheckpointError(this.path, `it has no tensor "${name}".`);
    return entry;
  }
}

/**
 * Opens a safetensors file and checks it. The format itself has no checksum: a damaged header is always refused, a
 * flipped bit in the data only where a hash is known, from `sha256` or from the file's own metadata (`data_sha256`).
 * @param options.sha256 expected SHA-256 of the whole file, in hex.
 * @throws CheckpointError naming the file and the reason.
 */
export async function openSafetensors(
  path: string,
  { sha256 }: { readonly sha256?: string } = {},
): Promise<SafetensorsFile> {
  const handle = await openFile(path);
  try {
    const size = (await handle.stat()).size;
    const headerBytes = await readHeaderBytes(path, handle, size);
    const dataStart = 8 + headerBytes.length;
    const header = parse(path, headerBytes, size - dataStart);
    if (sha256 !== undefined) await verify(path, handle, 0, size, sha256);
    const dataHash = header.metadata.get(DATA_SHA256);
    if (dataHash !== undefined) await verify(path, handle, dataStart, size, dataHash);
    return new SafetensorsFile(path, handle, header, dataStart);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CheckpointError(
      path,
      code === 'ENOENT' ? 'there is no such file.' : `it cannot be opened (${code}).`,
    );
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new CheckpointError(path, 'it is not a file.');
}

async function readHeaderBytes(
  path: string,
  handle: FileHandle,
  size: number,
): Promise<Uint8Array> {
  if (size < 8) {
    throw new CheckpointError(path, `${size} bytes are too few for a safetensors file.`);
  }
  const length = new Uint8Array(8);
  await readAt(path, handle, length, 0);
  const n = Buffer.from(length.buffer).readBigUInt64LE();
  if (n > BigInt(MAX_HEADER_BYTES)) {
    throw new CheckpointError(
      path,
      `its header claims ${n} bytes; safetensors allows ${MAX_HEADER_BYTES}.`,
    );
  }
  if (n > BigInt(size - 8)) {
    throw new CheckpointError(
      path,
      `its header claims ${n} bytes, but the file has ${size} in all.`,
    );
  }
  const bytes = new Uint8Array(Number(n));
  await readAt(path, handle, bytes, 8);
  return bytes;
}

function parse(path: string, bytes: Uint8Array, dataBytes: number): SafetensorsHeader {
  try {
    return parseHeader(bytes, dataBytes);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) {
      throw new CheckpointError(path, `${error.message}.`);
    }
    throw error;
  }
}

/** Fills `bytes` from `position` on, in pieces, so that neither a 2 GiB limit nor a short read matters. */
async function readAt(
  path: string,
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(CHUNK, bytes.length - done);
    const { bytesRead } = await handle.read(bytes, done, length, position + done);
    if (bytesRead === 0) throw new CheckpointError(path, 'it ended while it was being read.');
    done += bytesRead;
  }
}

async function verify(
  path: string,
  handle: FileHandle,
  start: number,
  end: number,
  expected: string,
): Promise<void> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(Math.min(CHUNK, end - start));
  for (let position = start; position < end; position += CHUNK) {
    const piece = chunk.subarray(0, Math.min(CHUNK, end - position));
    await readAt(path, handle, piece, position);
    hash.update(piece);
  }
  const found = hash.digest('hex');
  if (found === expected.toLowerCase()) return;
  throw new CheckpointError(path, `it is damaged: its SHA-256 is ${found}, expected ${expected}.`);
}
