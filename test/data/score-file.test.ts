import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scoreKey } from '../../src/data/choice';
import { openScoreFile } from '../../src/data/score-file';
import { inTemporaryFolder } from '../support/temporary';

const HASH = 'ab'.repeat(32);
const [FIRST, SECOND] = [scoreKey('01', 'a cat'), scoreKey('02', 'a cat')];

describe('openScoreFile', () => {
  it('keeps scores to the last digit, for the same weights only', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'scores.txt');
      const score = -0.1234567890123456;
      await (await openScoreFile(path, HASH)).add(new Map([[FIRST, score]]));
      await (await openScoreFile(path, HASH)).add(new Map([[SECOND, 1e-9]]));
      const known = await openScoreFile(path, HASH);
      assert.deepEqual([known.get(FIRST), known.get(SECOND)], [score, 1e-9]);
      const other = await openScoreFile(path, 'cd'.repeat(32));
      assert.equal(other.get(FIRST), undefined);
      assert.equal((await openScoreFile(path, HASH)).get(FIRST), undefined); // begun anew
    }));

  it('takes off the line that a kill tore', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'scores.txt');
      await (await openScoreFile(path, HASH)).add(new Map([[FIRST, 0.5]]));
      const whole = readFileSync(path, 'utf8');
      appendFileSync(path, `${SECOND} 0.2`); // perhaps of 0.25
      const known = await openScoreFile(path, HASH);
      assert.equal(readFileSync(path, 'utf8'), whole);
      assert.deepEqual([known.get(FIRST), known.get(SECOND)], [0.5, undefined]);
      await known.add(new Map([[SECOND, 0.25]]));
      assert.equal((await openScoreFile(path, HASH)).get(SECOND), 0.25);
    }));
});

describe('scoreKey', () => {
  it('tells pictures and prompts apart', () => {
    const keys = [FIRST, SECOND, scoreKey('01', 'a dog'), scoreKey('01\na', 'cat')];
    assert.equal(new Set(keys).size, keys.length);
    for (const key of keys) assert.match(key, /^[\da-f]{32}$/);
  });
});
