import assert from 'node:assert/strict';
import sharp from 'sharp';
import type { RgbImage } from '../../src/data/image';
import { tensor } from '../../src/engine';
import { DISPLAY, imageGrid, latentImages, sideBySide } from '../../src/show';

const pixel = (r: number, g: number, b: number): RgbImage => ({
  width: 1,
  height: 1,
  data: Uint8Array.from([r, g, b]),
});

describe('imageGrid', () => {
  it('shows every picture with its caption as alternative text', async () => {
    const grid = imageGrid([pixel(255, 0, 0), pixel(0, 0, 255)], {
      captions: ['a <red> one', 'blue'],
    });
    const bundle = await grid[DISPLAY]();
    const html = String(bundle['text/html']);
    assert.match(html, /alt="a &lt;red&gt; one" width="128" height="128"/);
    assert.equal(html.match(/<img /g)?.length, 2);
    assert.match(String(bundle['text/plain']), /^1\. a <red> one .*\n2\. blue/);
  });

  it('draws the pictures into one PNG, in their colours and with crisp edges', async () => {
    const two: RgbImage = { width: 2, height: 1, data: Uint8Array.from([255, 0, 0, 0, 0, 255]) };
    const png = await imageGrid([two], { scale: 8 }).png();
    const { data, info } = await sharp(png)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => {
      const from = (y * info.width + x) * 3;
      return Array.from(data.subarray(from, from + 3));
    };
    assert.deepEqual(at(16 + 7, 16), [255, 0, 0]);
    assert.deepEqual(at(16 + 8, 16), [0, 0, 255]);
    assert.deepEqual(at(2, 2), [255, 255, 255]);
  });

  it('shows photos small, and keeps them in full for a file', async () => {
    const data = Uint8Array.from(
      { length: 520 * 520 * 3 },
      (_, i) => Math.imul(i ** 3 + i, 40503) >>> 24,
    );
    const grid = imageGrid(new Array(3).fill({ width: 520, height: 520, data }), { columns: 2 });
    const bundle = await grid[DISPLAY]();
    assert.deepEqual(Object.keys(bundle), ['text/html', 'image/jpeg', 'text/plain']);
    assert.ok(JSON.stringify(bundle).length < 1_000_000, `${JSON.stringify(bundle).length} bytes`);
    assert.match(String(bundle['text/html']), /width="256" height="256"/);
    const { width } = await sharp(await grid.png()).metadata();
    assert.equal(width, 16 + 2 * (520 + 16));
  });

  it('needs a picture', () => {
    assert.throws(() => imageGrid([]), /at least one picture/);
  });
});

describe('sideBySide', () => {
  it('puts what the models drew for one caption on one card, named', async () => {
    const models = {
      base: [pixel(1, 1, 1), pixel(2, 2, 2)],
      DPO: [pixel(3, 3, 3), pixel(4, 4, 4)],
    };
    const bundle = await sideBySide(models, { captions: ['one', 'two'] })[DISPLAY]();
    const figures = String(bundle['text/html']).split('<figure').slice(1);
    assert.equal(figures.length, 2);
    assert.match(figures[1] ?? '', /alt="two, base"[\s\S]*alt="two, DPO"/);
    assert.match(String(bundle['text/plain']), /2\. two \[base \| DPO\]/);
  });

  it('refuses unequal numbers of pictures', () => {
    const models = { base: [pixel(1, 1, 1)], DPO: [] };
    assert.throws(
      () => sideBySide(models),
      /equally many pictures of each; these are base 1, DPO 0/,
    );
  });
});

describe('latentImages', () => {
  it('maps −range…range to black…white and clips beyond', () => {
    const [image] = latentImages(tensor([-3, 0, 9, 5], [1, 1, 1, 4]));
    assert.deepEqual(Array.from(image?.data ?? []), [0, 128, 255]);
  });

  it('refuses what is no batch of latents', () => {
    assert.throws(() => latentImages(tensor([1, 2], [1, 2])), /these are \[1, 2\]/);
  });
});
