import assert from 'node:assert/strict';
import type { Batch } from '../../src/data/batch';
import { drawBatch } from '../../src/data/batch-draws';
import { batches } from '../../src/data/batches';
import { openPairs } from '../../src/data/pairs';
import { PythonRandom, TorchGenerator } from '../../src/random';
import { fixturePath } from '../support/fixtures';

const seeded = () => ({ torch: new TorchGenerator(5), python: new PythonRandom(5) });
const tokenizer = {
  encode: (texts: readonly string[]) => ({ inputIds: new Int32Array(texts.length), length: 1 }),
};
const row = {
  caption: 'a',
  winner: 'jpg_0',
  file: { path: '' },
  row: 0,
  rowGroup: 0,
  rowInGroup: 0,
};
const blank = (width: number, height: number) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3),
});

describe('paired augmentation', () => {
  const both = async (pairedAugmentation: 'shared' | 'independent', crop: 'random' | 'center') => {
    const data = await openPairs(fixturePath('data', 'pickapic'));
    const options = { batchSize: 4, resolution: 8, epochs: 1, crop, pairedAugmentation } as const;
    const all: Batch[] = [];
    for await (const batch of batches(data, tokenizer, seeded(), options)) all.push(batch);
    return all;
  };

  it('mirrors both pictures alike and draws nothing else differently', async () => {
    const [shared, own] = [await both('shared', 'center'), await both('independent', 'center')];
    for (const [k, { placements, captions, pairs }] of shared.entries()) {
      const flips = placements.map(({ flipped }) => flipped);
      assert.deepEqual(flips.slice(0, 4), flips.slice(4));
      assert.deepEqual(placements.slice(0, 4), own[k]?.placements.slice(0, 4));
      assert.deepEqual([captions, pairs], [own[k]?.captions, own[k]?.pairs]);
    }
    const flips = own.map(({ placements }) => placements.map(({ flipped }) => flipped));
    assert.ok(flips.some((each) => String(each.slice(0, 4)) !== String(each.slice(4))));
  });

  it('cuts pictures of one size alike, and others at the same share of their room', () => {
    const options = { resolution: 8, crop: 'random', pairedAugmentation: 'shared' } as const;
    const cut = (first: [number, number], second: [number, number]) =>
      drawBatch([row], [blank(...first), blank(...second)], seeded(), options).placements;
    const [a, b] = cut([38, 8], [38, 8]);
    assert.ok(a && a.left > 0);
    assert.deepEqual(b, a);
    const [c, d] = cut([38, 8], [68, 8]); // 30 pixels of room, then 60
    assert.deepEqual(c, a);
    assert.deepEqual(d, { ...a, left: 2 * a.left });
    const [e, f] = cut([38, 8], [8, 18]); // no room in one direction each: the middle
    assert.deepEqual(e, a);
    assert.deepEqual(f, { left: 0, top: 5, flipped: a.flipped });
  });
});

describe('captionDraws', () => {
  const drawnWith = async (
    dataloaderNumWorkers: number,
    captionDraws?: 'fetching' | 'main process',
  ) => {
    const data = await openPairs(fixturePath('data', 'pickapic'));
    const base = { batchSize: 4, resolution: 8, epochs: 1, proportionEmptyPrompts: 0.5 } as const;
    const options = { ...base, dataloaderNumWorkers, captionDraws };
    const all: Batch[] = [];
    for await (const batch of batches(data, tokenizer, seeded(), options)) all.push(batch);
    return {
      captions: all.flatMap(({ captions }) => captions),
      placements: all.flatMap(({ placements }) => placements),
    };
  };

  it('takes prompts from the main generator beside workers, and leaves the pictures theirs', async () => {
    const [alone, main] = [await drawnWith(0), await drawnWith(2, 'main process')];
    assert.deepEqual(main.captions, alone.captions);
    const workers = await drawnWith(2);
    assert.notDeepEqual(workers.captions, main.captions);
    assert.deepEqual(workers.placements, main.placements);
  });
});
