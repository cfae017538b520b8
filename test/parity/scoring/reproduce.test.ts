/** The paper's tables and figures, at the budget that shows their form. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { tensorCount } from '../../../src/engine';
import { type ReproductionName, reproduce } from '../../../src/scoring';
import { inTemporaryFolder } from '../../support/temporary';

const PAIRS = { pairs: join('data', 'pairs'), split: 'heldout', maxPairs: 12 };

describe('reproduce', function () {
  this.timeout(600_000);

  const small = (name: ReproductionName, more = {}) =>
    inTemporaryFolder(async (outputDir) => {
      const tensors = tensorCount();
      const { rows } = await reproduce(name, { budget: 'small', outputDir, ...more });
      assert.equal(tensorCount(), tensors);
      return rows;
    });

  it('table2: what is at hand is computed, for the rest the downloads are named', async () => {
    const own = join('data', 'base');
    const rows = await small('table2', {
      ...PAIRS,
      weights: { pickscore: join('data', 'scorer') },
      policies: { 'DPO-SD1.5': { base: own, unet: own } }, // a policy equal to its reference knows nothing
    });
    const [pickscore, hps] = rows;
    assert.deepEqual([pickscore?.paper, hps?.paper], ['64.2 %', '59.3 %']);
    assert.equal(pickscore?.ours?.n, 12);
    assert.match(hps?.needs ?? '', /xswu\/HPSv2: HPS_v2_compressed\.pt/);
    assert.deepEqual([rows[4]?.ours?.value, rows[4]?.ours?.n], [0.5, 12]);
    assert.match(rows[5]?.needs ?? '', /mhdang\/dpo-sdxl-text2image-v1/);
    const world = rows.filter(({ what }) => what.startsWith('world'));
    assert.deepEqual(
      world.map(({ ours }) => ours?.n),
      [8, 8, 8, 8],
    );
  });

  it('s2: a win rate for each β and scorer', async () => {
    const rows = await small('s2');
    assert.deepEqual(
      rows.map(({ what }) => what),
      ['beta-100', 'beta-1000'].flatMap((beta) =>
        ['judge', 'faithful', 'embedded'].map((scorer) => `${beta}, by ${scorer}`),
      ),
    );
  });

  it('s4: draws of the base, at most the cap', async () => {
    const world = (await small('s4')).filter(({ what }) => what.startsWith('world'));
    assert.equal(world.length, 6);
    for (const { ours } of world) assert.ok(ours && ours.value >= 1 && ours.value <= 2);
  });

  it('fig6: everybody’s labels by every scorer', async () => {
    assert.equal((await small('fig6')).length, 4 * 3);
  });
});
