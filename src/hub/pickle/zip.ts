// What torch.save writes is a zip archive whose entries are stored, not deflated: `NAME/data.pkl` and `NAME/data/0`, ….
// Layout: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.7, 4.3.12, 4.3.14 to 16, 4.5.3).
import type { FileHandle } from 'node:fs/promises';
import { CheckpointError } from '../checkpoint-error';

/** Where an entry's bytes lie in the file. */
export interface ZipEntry {
  readonly begin: number;
  readonly size: number;
}

const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ZIP64_FIELD = 1;
const BEYOND_32 = 0xffffffff;
const MAX_DIRECTORY = 64 << 20; // bytes; 600,000 entries

/** Reads exactly so many bytes. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

/** Reads of an open file; one beyond its end is refused before memory is taken. */
export function reader(path: string, handle: FileHandle, size: number): ReadAt {
  return async (position, length) => {
    if (position < 0 || position + length > size)
      throw new CheckpointError(path, 'its zip directory points beyond its end.');
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, position);
    if (bytesRead === length) return bytes;
    throw new CheckpointError(path, 'it ended while it was being read.');
  };
}

/**
 * The entries of an archive by name. @throws CheckpointError where it is damaged, or an entry is compressed, encrypted,
 * overlaps another, or occurs twice
 */
export async function zipEntries(
  path: string,
  read: ReadAt,
  size: number,
): Promise<ReadonlyMap<string, ZipEntry>> {
  const fail = (reason: string): never => {
    throw new CheckpointError(path, reason);
  };
  const { begin, bytes, count } = await directoryPlace(path, read, size);
  if (bytes > MAX_DIRECTORY)
    fail(`its zip directory has ${bytes} bytes; ${MAX_DIRECTORY} is the limit.`);
  const directory = await read(begin, bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes || directory.readUInt32LE(at) !== CENTRAL)
      fail('its zip directory is damaged.');
    const [flags, method] = [directory.readUInt16LE(at + 8), directory.readUInt16LE(at + 10)];
    const lengths = [28, 30, 32].map((field) => directory.readUInt16LE(at + field));
    const [nameLength = 0, extraLength = 0, commentLength = 0] = lengths;
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > bytes) fail('its zip directory is damaged.');
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    const extra = directory.subarray(at + 46 + nameLength, next - commentLength);
    if (entries.has(name)) fail(`its zip directory has ${JSON.stringify(name)} twice.`);
    if (flags & 1) fail(`${JSON.stringify(name)} in it is encrypted.`);
    const { packed, plain, local } = sizes(directory.subarray(at, at + 46), extra);
    if (method !== 0 || packed !== plain)
      fail(`${JSON.stringify(name)} in it is compressed, which torch.save never does.`);
    entries.set(name, { begin: await dataBegin(path, read, local), size: plain });
    at = next;
  }
  checkApart(path, [...entries.values()], begin);
  return entries;
}

interface Directory {
  readonly begin: number;
  readonly bytes: number;
  readonly count: number;
}

/** From the record at the end of the file, or the one of 64 bits that it leads to. */
async function directoryPlace(path: string, read: ReadAt, size: number): Promise<Directory> {
  const length = Math.min(size, 22 + 0xffff);
  const tail = await read(size - length, length);
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0 || end + 22 > length || tail.readUInt32LE(end) !== END)
    throw new CheckpointError(
      path,
      'it is no zip archive; files of torch.save before 1.6 are not read.',
    );
  const small = {
    count: tail.readUInt16LE(end + 10),
    bytes: tail.readUInt32LE(end + 12),
    begin: tail.readUInt32LE(end + 16),
  };
  const locator = end - 20;
  if (locator < 0 || tail.readUInt32LE(locator) !== LOCATOR64) return small;
  const record = await read(Number(tail.readBigUInt64LE(locator + 8)), 56);
  if (record.readUInt32LE(0) !== END64)
    throw new CheckpointError(path, 'its zip directory is damaged.');
  const [count = 0, bytes = 0, begin = 0] = [32, 40, 48].map((field) =>
    Number(record.readBigUInt64LE(field)),
  );
  return { count, bytes, begin };
}

/** Sizes and place of an entry; those beyond 32 bits stand in its extra field, in this order. */
function sizes(header: Buffer, extra: Buffer) {
  let [plain, packed, local] = [
    header.readUInt32LE(24),
    header.readUInt32LE(20),
    header.readUInt32LE(42),
  ];
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    let field = at + 4;
    const end = Math.min(field + length, extra.length);
    const wide = (narrow: number) => {
      if (narrow !== BEYOND_32 || field + 8 > end) return narrow;
      field += 8;
      return Number(extra.readBigUInt64LE(field - 8));
    };
    if (id === ZIP64_FIELD) [plain, packed, local] = [wide(plain), wide(packed), wide(local)];
    at += 4 + length;
  }
  return { plain, packed, local };
}

/** The local header has a name and an extra field of its own lengths; torch pads there. */
async function dataBegin(path: string, read: ReadAt, local: number): Promise<number> {
  const header = await read(local, 30);
  if (header.readUInt32LE(0) !== LOCAL)
    throw new CheckpointError(path, 'its zip directory is damaged.');
  return local + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** Entries that share bytes are how a small file unpacks to a huge one. */
function checkApart(path: string, entries: readonly ZipEntry[], directory: number): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin);
  sorted.forEach(({ begin, size }, i) => {
    const limit = sorted[i + 1]?.begin ?? directory;
    if (begin + size > limit)
      throw new CheckpointError(path, 'entries of its zip archive overlap.');
  });
}
