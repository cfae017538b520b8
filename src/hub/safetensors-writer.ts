import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { writeFileAtomically } from './atomic';
import { bytesPerElement, encodeElements, type FileDType, type TensorData } from './dtypes';
import { formatHeader, type TensorEntry } from './safetensors-header';
import { DATA_SHA256 } from './safetensors-reader';

/** A tensor to be written; `data` may be a function, so that one tensor at a time needs to be in memory. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly data: TensorData | (() => TensorData);
}

/** How to write a safetensors file. */
export interface SafetensorsOptions {
  /** Text fields of the header. @default { format: 'pt' } */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * 'sha256' leaves the hash of the data in the metadata, so that our reader notices a flipped bit; 'none' gives the
   * bytes that Python's `save_file` writes. @default 'none'
   */
  readonly checksum?: 'none' | 'sha256';
}

/** SHA-256, in hex, of files that were hashed while they were written, by path. */
export type Digests = Readonly<Record<string, string>>;

/** Python's order: wider and "later" types first (`Dtype` in safetensors/src/tensor.rs), names within a type. */
const DTYPE_ORDER: readonly FileDType[] = ['I64', 'F64', 'F32', 'I32', 'BF16', 'F16', 'U8', 'BOOL'];

/**
 * Writes a safetensors file, atomically.
 * @returns the file's digest; none with checksum 'sha256', where the header is known only after the data
 * @throws RangeError or TypeError where names repeat or data does not fit its shape or dtype.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  { metadata = { format: 'pt' }, checksum = 'none' }: SafetensorsOptions = {},
): Promise<Digests> {
  const ordered = [...tensors].sort(
    (a, b) =>
      DTYPE_ORDER.indexOf(a.dtype) - DTYPE_ORDER.indexOf(b.dtype) || byteOrder(a.name, b.name),
  );
  const entries = layOut(ordered);
  const header = (sha256: string) =>
    formatHeader(
      checksum === 'sha256' ? { ...metadata, [DATA_SHA256]: sha256 } : metadata,
      entries,
    );

  const hash = createHash('sha256'); // of the data alone, or of the whole file
  await writeFileAtomically(path, async (handle) => {
    const start = header('0'.repeat(64));
    if (checksum === 'none') hash.update(start);
    let position = await writeAll(handle, start, 0);
    for (const tensor of ordered) {
      const bytes = elementBytes(tensor);
      hash.update(bytes);
      position += await writeAll(handle, bytes, position);
    }
    if (checksum === 'sha256') await writeAll(handle, header(hash.digest('hex')), 0);
  });
  return checksum === 'none' ? { [path]: hash.digest('hex') } : {};
}

function layOut(ordered: readonly TensorToWrite[]): TensorEntry[] {
  const names = new Set(['__metadata__']);
  let begin = 0;
  return ordered.map(({ name, dtype, shape }) => {
    if (names.has(name)) throw new RangeError(`A safetensors file cannot hold two "${name}".`);
    names.add(name);
    const entry = { name, dtype, shape, begin, end: begin + bytesPerElement(dtype) * count(shape) };
    begin = entry.end;
    return entry;
  });
}

function elementBytes({ name, dtype, shape, data }: TensorToWrite): Uint8Array {
  const elements = typeof data === 'function' ? data() : data;
  if (elements.length !== count(shape)) {
    throw new RangeError(`"${name}" of shape [${shape}] got ${elements.length} elements.`);
  }
  return encodeElements(dtype, elements);
}

const count = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
const byteOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Writes all bytes at `position`; a single write may take fewer. Returns their number. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(1 << 24, bytes.length - done);
    done += (await handle.write(bytes, done, length, position + done)).bytesWritten;
  }
  return done;
}
