import assert from 'node:assert/strict';
import { peakMemory, zeros } from '../../src/engine';

const MEBIBYTE = 2 ** 20;

describe('peakMemory', () => {
  it('sees memory that is given back before the end', () => {
    if (process.platform !== 'linux') assert.throws(() => peakMemory(() => 0), /Peak memory/);
    else {
      const { value, growth, peak } = peakMemory(() => {
        const block = zeros([48 * MEBIBYTE]).add(1);
        block.dispose();
        return 7;
      });
      assert.equal(value, 7);
      assert.ok(growth > 150 * MEBIBYTE, `${growth / MEBIBYTE} MiB`);
      assert.ok(peak > growth);
      assert.ok(peakMemory(() => 0).growth < 20 * MEBIBYTE);
    }
  });
});
