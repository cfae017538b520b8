/** Text inside a PNG file, where picture viewers and Pillow (`Image.text`) find it. */
import { crc32 } from 'node:zlib';

/** Signature and IHDR, which must come first. PNG specification, 5.2 and 11.2.2. */
const HEADER_BYTES = 8 + 25;

/**
 * Adds one iTXt chunk (UTF-8, uncompressed; PNG specification, 11.3.4.5) for each entry.
 *
 * @throws RangeError if a key is not 1 to 79 printable ASCII characters.
 */
export function insertPngText(
  png: Uint8Array,
  entries: Readonly<Record<string, string>>,
): Uint8Array {
  const chunks = Object.entries(entries).map(([key, value]) => {
    if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(key)) {
      throw new RangeError(`PNG text key ${JSON.stringify(key)} is not 1 to 79 ASCII characters.`);
    }
    return textChunk(key, value);
  });
  return Buffer.concat([png.subarray(0, HEADER_BYTES), ...chunks, png.subarray(HEADER_BYTES)]);
}

function textChunk(key: string, value: string): Buffer {
  // keyword, end; not compressed, method 0; no language tag, no translated keyword
  const body = Buffer.from(`iTXt${key}\0\0\0\0\0${value}`, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length - 4);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
