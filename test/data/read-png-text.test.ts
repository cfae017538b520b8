import assert from 'node:assert/strict';
import { encodePng } from '../../src/data/image';
import { readPngText } from '../../src/data/read-png-text';

const picture = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };

/** A chunk with a checksum of zeros, which is not looked at. */
function chunk(type: string, body: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(Buffer.byteLength(body, 'latin1'));
  return Buffer.concat([head, Buffer.from(type + body, 'latin1'), Buffer.alloc(4)]);
}
const png = (...chunks: Buffer[]) =>
  Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);

describe('readPngText', () => {
  it('gives back what encodePng was told, in any script', async () => {
    const text = { prompt: 'a “red” 猫 🐈\nand more', seed: '7', empty: '' };
    const file = await encodePng(picture, { text });
    assert.deepEqual(Object.fromEntries(readPngText(file)), text);
    assert.equal(readPngText(await encodePng(picture)).size, 0);
  });

  it('reads Latin-1 text, and leaves compressed text and other chunks out', () => {
    const file = png(
      chunk('tEXt', 'Author\0Ren\xe9'),
      chunk('iTXt', 'a\0\x01\0\0\0compressed'),
      chunk('zTXt', 'b\0\0compressed'),
      chunk('IDAT', 'c\0d'),
    );
    assert.deepEqual([...readPngText(file)], [['Author', 'René']]);
  });

  it('refuses what is no PNG or is cut off', async () => {
    assert.throws(() => readPngText(Buffer.from('GIF89a..')), /not a PNG/);
    const file = await encodePng(picture, { text: { prompt: 'x' } });
    for (const length of [10, 40, file.length - 1])
      assert.throws(() => readPngText(file.subarray(0, length)), /middle of a chunk/);
    const huge = png(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x74, 0x45, 0x58, 0x74]));
    assert.throws(() => readPngText(huge), /middle of a chunk/);
  });
});
