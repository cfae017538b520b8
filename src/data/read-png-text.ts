const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/**
 * The texts inside a PNG file, by keyword: tEXt and uncompressed iTXt chunks (PNG specification,
 * 11.3.4), as `encodePng` and Pillow write them. Compressed ones are left out.
 *
 * @throws RangeError if the file is no PNG, or ends in the middle of a chunk
 */
export function readPngText(file: Uint8Array): ReadonlyMap<string, string> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  if (!bytes.subarray(0, 8).equals(SIGNATURE)) throw new RangeError('The file is not a PNG.');
  const texts = new Map<string, string>();
  let at = 8;
  while (at < bytes.length) {
    const end = at + 8 + (at + 8 <= bytes.length ? bytes.readUInt32BE(at) : 0);
    if (end + 4 > bytes.length) throw new RangeError('The PNG file ends in the middle of a chunk.');
    const type = bytes.toString('latin1', at + 4, at + 8);
    const entry = textOf(type, bytes.subarray(at + 8, end));
    if (entry) texts.set(...entry);
    at = end + 4; // the checksum
  }
  return texts;
}

function textOf(type: string, body: Buffer): [keyword: string, text: string] | undefined {
  const key = body.indexOf(0);
  if (key < 0) return undefined;
  const keyword = body.toString('latin1', 0, key);
  if (type === 'tEXt') return [keyword, body.toString('latin1', key + 1)];
  if (type !== 'iTXt' || body[key + 1] !== 0) return undefined;
  const language = body.indexOf(0, key + 3);
  const translated = language < 0 ? -1 : body.indexOf(0, language + 1);
  return translated < 0 ? undefined : [keyword, body.toString('utf8', translated + 1)];
}
