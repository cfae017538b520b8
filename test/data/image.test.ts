import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { decodeImage, encodeJpeg, encodePng, PictureError } from '../../src/data/image';
import { fixturePath, jsonFixture } from '../support/fixtures';

interface Listing {
  readonly pictures: { file: string; width: number; height: number; sha256: string }[];
  readonly refused: { file: string; reason: string }[];
}

const listing = jsonFixture<Listing>('data', 'pictures.json');
const picture = (file: string) => readFileSync(fixturePath('data', 'pictures', file));
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('decodeImage', () => {
  for (const { file, width, height, sha256: expected } of listing.pictures) {
    it(`gives Pillow's bytes for ${file}`, async () => {
      const image = await decodeImage(picture(file));
      assert.deepEqual([image.width, image.height], [width, height]);
      assert.equal(sha256(image.data), expected);
    });
  }

  for (const { file, reason } of listing.refused) {
    it(`refuses ${file} and says why`, async () => {
      await assert.rejects(decodeImage(picture(file)), (error) => {
        assert.ok(error instanceof PictureError, String(error));
        assert.ok(error.message.includes(reason), error.message);
        return true;
      });
    });
  }

  it('refuses a small file that would unpack to 5,000 × 4,000 pixels', async () => {
    const bomb = await sharp({
      create: { width: 5000, height: 4000, channels: 3, background: 'red' },
    })
      .png({ compressionLevel: 9 })
      .toBuffer();
    assert.ok(bomb.length < 400_000);
    await assert.rejects(decodeImage(bomb), /pixel limit/);
  });

  it('refuses a file over 20 MiB before reading it', async () => {
    await assert.rejects(decodeImage(new Uint8Array(20 * 2 ** 20 + 1)), /at most 20971520/);
  });

  it('survives 400 damaged files: each is decoded or refused by name', async () => {
    const originals = listing.pictures
      .filter(({ width }) => width > 1)
      .map(({ file }) => picture(file));
    let state = 1;
    const below = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    let refused = 0;
    for (let n = 0; n < 400; n++) {
      const damaged = Buffer.from(originals[n % originals.length] as Buffer);
      for (let k = 0; k <= n % 5; k++) damaged[below(damaged.length)] = below(256);
      try {
        const { width, height, data } = await decodeImage(damaged);
        assert.equal(data.length, width * height * 3);
      } catch (error) {
        assert.ok(error instanceof PictureError, String(error));
        refused++;
      }
    }
    assert.ok(refused > 100 && refused < 400, `${refused} refused`);
  });
});

describe('encodePng', () => {
  const image = {
    width: 2,
    height: 2,
    data: Uint8Array.of(0, 1, 2, 250, 251, 252, 7, 7, 7, 255, 0, 255),
  };

  it('loses nothing', async () => {
    assert.deepEqual(await decodeImage(await encodePng(image)), image);
  });

  it('keeps text that a reader finds again', async () => {
    const png = await encodePng(image, { text: { prompt: 'a “red” 圆', seed: '7' } });
    const { comments } = await sharp(png).metadata();
    assert.deepEqual(
      comments?.map(({ keyword, text }) => [keyword.replace(/^png-comment-\d+-/, ''), text]),
      [
        ['prompt', 'a “red” 圆'],
        ['seed', '7'],
      ],
    );
    assert.deepEqual(await decodeImage(png), image);
  });

  it('refuses a picture whose bytes do not match its size', async () => {
    await assert.rejects(async () => encodePng({ ...image, width: 3 }), RangeError);
  });
});

describe('encodeJpeg', () => {
  it('keeps colour at full resolution: one red pixel beside a grey one stays red', async () => {
    const stripes = { width: 16, height: 16, data: new Uint8Array(768) };
    for (let i = 0; i < 256; i++) stripes.data.set(i % 2 ? [220, 30, 30] : [90, 90, 90], i * 3);
    const back = await decodeImage(await encodeJpeg(stripes, { quality: 100 }));
    const worst = Math.max(...back.data.map((v, i) => Math.abs(v - (stripes.data[i] as number))));
    assert.ok(worst <= 6, `largest difference ${worst}`);
    const coarse = await decodeImage(await encodeJpeg(stripes, { quality: 20 }));
    assert.notDeepEqual(coarse.data, back.data);
  });
});
