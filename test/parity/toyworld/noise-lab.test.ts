import assert from 'node:assert/strict';
import { tensorCount } from '../../../src/engine';
import {
  loadWorld,
  type NoiseLabOptions,
  type NoisePoint,
  noiseLab,
  type World,
} from '../../../src/toyworld';

describe('noiseLab', () => {
  let world: World;
  before(async () => {
    world = await loadWorld();
    // few and always the same: only what the labels are differs between the points
    const few = { ...world.trainPairs, pairs: world.trainPairs.pairs.slice(0, 40) };
    world = { ...world, trainPairs: few };
  });
  after(() => world.dispose());

  async function points(options: NoiseLabOptions): Promise<NoisePoint[]> {
    const found: NoisePoint[] = [];
    for await (const point of noiseLab(world, { maxTrainSteps: 1, captions: 1, ...options }))
      found.push(point);
    return found;
  }

  it('trains once for each share, on exactly so many wrong labels, and leaves no tensor', async () => {
    const before = tensorCount();
    const found = await points({ shares: [0, 0.25] });
    assert.equal(tensorCount(), before);
    assert.deepEqual(
      found.map(({ share, counts, accuracy, judge }) => [
        share,
        counts.flipped,
        counts.accuracy,
        accuracy.n,
        judge.n,
      ]),
      [
        [0, 0, 1, 1, 1],
        [0.25, 10, 0.75, 1, 1],
      ],
    );
  });

  it('leaves ties out, of labels by the scorer', async () => {
    const [left] = await points({ shares: [0.2], spoilt: 'left out', labels: 'the scorer' });
    assert.deepEqual([left?.counts.pairs, left?.counts.accuracy], [32, 1]);
  });

  it('stops between steps', async () => {
    const controller = new AbortController();
    controller.abort();
    await assert.rejects(points({ shares: [0], signal: controller.signal }), {
      name: 'AbortError',
    });
  });
});
