import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Batch } from '../../src/data/batch';
import { batches } from '../../src/data/batches';
import { openPairs } from '../../src/data/pairs';
import { PythonRandom, TorchGenerator } from '../../src/random';
import { fixturePath, jsonFixture } from '../support/fixtures';

interface Case {
  readonly seed: number;
  readonly batchSize: number;
  readonly crop: 'center' | 'random';
  readonly flip: 'random' | 'none';
  readonly empty: number;
  readonly winner: boolean;
  readonly maxTrainSamples: number | null;
  readonly shuffle: boolean;
  readonly batches: {
    epoch: number;
    rankingIds: number[];
    placements: [number, number, number][];
    captions: string[];
    pixelsSha256: string;
    drawnByStep: number[];
  }[];
  readonly after: number[];
  readonly pythonAfter: number;
}

const { cases } = jsonFixture<{ cases: Case[] }>('data', 'batches.json');
const SOURCE = fixturePath('data', 'pickapic');

/** Stands in for the CLIP tokenizer: four numbers a text, its length first. */
const tokenizer = {
  encode: (texts: readonly string[]) => ({
    inputIds: Int32Array.from(texts.flatMap((text) => [text.length, 1, 2, 3])),
    length: 4,
  }),
};

/** `ranking_id` is 1000 + row; the second file starts at row 12. */
const rankingIds = ({ pairs }: Batch) =>
  pairs.map(({ file, row }) => 1000 + row + (file.path.includes('train-00001') ? 12 : 0));

describe('batches', () => {
  for (const c of cases) {
    const { seed, batchSize, crop, flip, empty, shuffle } = c;
    const pictures = c.winner ? 'winner' : 'both';
    const title = `seed ${seed}, batch ${batchSize}, ${crop} crop, flip ${flip}, ${pictures}`;
    it(`draw what torch's DataLoader under accelerate draws in stored order: ${title}`, async () => {
      const data = await openPairs(SOURCE, {
        maxTrainSamples: c.maxTrainSamples ?? undefined,
        seed,
      });
      const random = { torch: new TorchGenerator(seed), python: new PythonRandom(seed) };
      const loader = batches(data, tokenizer, random, {
        batchSize,
        resolution: 16,
        crop,
        flip,
        pictures,
        proportionEmptyPrompts: empty,
        order: shuffle ? 'shuffled' : 'as stored',
        epochs: 3,
      });
      const seen = [];
      for await (const batch of loader) {
        seen.push({
          epoch: batch.epoch,
          rankingIds: rankingIds(batch),
          placements: batch.placements.map(({ left, top, flipped }) => [
            left,
            top,
            Number(flipped),
          ]),
          captions: batch.captions,
          pixelsSha256: createHash('sha256')
            .update(new Uint8Array(batch.pixelValues.buffer))
            .digest('hex'),
          drawnByStep: [...random.torch.randint(0, 1000, 2)], // the training step draws in between
        });
      }
      assert.deepEqual(seen, c.batches);
      assert.deepEqual([...random.torch.randint(0, 1000, 3)], c.after);
      assert.equal(random.python.random(), c.pythonAfter);
    });
  }

  const options = { batchSize: 3, resolution: 16 };
  const random = () => ({ torch: new TorchGenerator(1), python: new PythonRandom(1) });

  it('say their shapes, and tokenize the captions that are left', async () => {
    const loader = batches(await openPairs(SOURCE), tokenizer, random(), options);
    const batch = (await loader.next()).value as Batch;
    assert.deepEqual(batch.pixelShape, [6, 16, 16, 3]);
    assert.equal(batch.pixelValues.length, 6 * 16 * 16 * 3);
    assert.deepEqual([batch.tokens, batch.inputIds.length], [4, 12]);
    assert.equal(batch.inputIds[4], batch.captions[1]?.length);
    assert.deepEqual([batch.index, batch.batchesPerEpoch], [0, 5]);
    await loader.return(undefined);
  });

  it('are the same whether pictures are remembered or decoded anew', async () => {
    const pixels = async (cacheBytes: number) => {
      const all: Float32Array[] = [];
      const given = { ...options, cacheBytes, epochs: 2 };
      for await (const batch of batches(await openPairs(SOURCE), tokenizer, random(), given)) {
        all.push(batch.pixelValues);
      }
      return all;
    };
    assert.deepEqual(await pixels(0), await pixels(2 ** 28));
  });

  it('refuse a batch that the pairs do not fill', async () => {
    const given = { ...options, batchSize: 17 };
    const loader = batches(await openPairs(SOURCE), tokenizer, random(), given);
    await assert.rejects(loader.next(), /16 pairs do not fill a batch of 17/);
  });
});
