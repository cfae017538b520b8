import assert from 'node:assert/strict';
import { pictureGrid } from '../../src/cli/picture-grid';
import { sampleArgs } from '../../src/cli/sample-args';
import { seeds } from '../../src/cli/seeds';

describe('seeds', () => {
  it('are one number, a range with both of its ends, or a list', () => {
    assert.equal(seeds('7'), 7);
    assert.deepEqual(seeds('2..5'), [2, 3, 4, 5]);
    assert.deepEqual(seeds('9,3,0..1'), [9, 3, 0, 1]);
    for (const wrong of ['5..2', '1..2..3', '3,3', '0..10000', '1..3,2'])
      assert.throws(() => seeds(wrong), /is not allowed; give a seed, or up to 10000 different/);
    for (const wrong of ['', '-1', '1.5', '1..', '..2', '1,', 'a'])
      assert.throws(() => seeds(wrong), /is not allowed; give an integer, 0 or more/, wrong);
  });

  it('make a picture each', () => {
    const args = sampleArgs('--model m --prompt p --seed 4..6 --grid'.split(' '));
    assert.deepEqual([args.seed, args.num_images, args.grid], [[4, 5, 6], 3, true]);
    assert.equal(
      sampleArgs('--model m --prompt p --seed 4 --num_images 2'.split(' ')).num_images,
      2,
    );
  });
});

describe('pictureGrid', () => {
  const grey = (level: number) => ({
    width: 2,
    height: 1,
    data: Uint8Array.from([level, 0, 0, 0, level, 0]),
  });

  it('fills rows from the left, as near to a square as there are pictures', () => {
    const { width, height, data } = pictureGrid([grey(1), grey(2), grey(3)]);
    assert.deepEqual([width, height], [4, 2]);
    const reds = Array.from({ length: 8 }, (_, i) => data[3 * i]);
    assert.deepEqual(reds, [1, 0, 2, 0, 3, 0, 255, 255]); // the fourth place is white
    assert.deepEqual([...data.slice(3, 6)], [0, 1, 0]);
    assert.deepEqual(pictureGrid([grey(5)]), grey(5));
  });

  it('refuses pictures of several sizes', () => {
    const wide = { width: 3, height: 1, data: new Uint8Array(9) };
    assert.throws(() => pictureGrid([grey(1), wide]), /Picture 1 is 3×1, the first is 2×1/);
  });
});
