import assert from 'node:assert/strict';
import { floats, free, ints, read, runOp, sequence } from './raw-ops';

describe('DpoSplitChannels', () => {
  const split = (x: number, sizes: readonly number[]) => {
    const wanted = ints(sizes);
    try {
      return runOp('DpoSplitChannels', [x, wanted], 2);
    } finally {
      free(wanted);
    }
  };

  it('undoes DpoConcatChannels, on several threads', () => {
    const whole = floats(sequence(7001 * 50), [7001, 50]);
    const pieces = split(whole, [19, 31]).map(({ id, shape }) => ({ id, shape }));
    assert.deepEqual(
      pieces.map(({ shape }) => shape),
      [
        [7001, 19],
        [7001, 31],
      ],
    );
    const ids = pieces.map(({ id }) => id);
    const [joined] = runOp('DpoConcatChannels', ids, 1);
    assert.deepEqual(read(joined?.id ?? -1), sequence(7001 * 50));
    free(whole, joined?.id ?? -1, ...ids);
  });

  it('refuses sizes that are not two, or not those of the channels', () => {
    const x = floats(sequence(12), [3, 4]);
    for (const sizes of [[1, 2], [4], [1, 1, 2]])
      assert.throws(() => split(x, sizes), /the sizes must be two, and sum up to the channels/);
    const y = floats(sequence(8), [2, 4]);
    assert.throws(() => runOp('DpoConcatChannels', [x, y], 1), /only channels may differ/);
    free(x, y);
  });
});
