import assert from 'node:assert/strict';
import { join } from 'node:path';
import { chooseWinners, openPairs, pairPicture } from '../../src/data';
import { tensorCount } from '../../src/engine';
import { loadClipModel } from '../../src/hub';
import { clipScores, EMBEDDED_SCORER, openSelector } from '../../src/scoring';
import { WORLD_FOLDER } from '../../src/toyworld/world';

describe('openSelector', () => {
  it('opens the embedded scorer, which agrees with most labels of the world', async () => {
    const before = tensorCount();
    const world = await openPairs(join(WORLD_FOLDER, 'pairs'), { split: 'heldout' });
    const data = { ...world, pairs: world.pairs.slice(0, 40) };
    const selector = await openSelector('embedded');
    const { data: chosen, counts } = await chooseWinners(data, selector);
    assert.equal(counts.pairs, 40);
    assert.ok(counts.agreement > 0.6 && counts.kappa > 0.2, JSON.stringify(counts));
    assert.equal(chosen.pairs.filter(({ winner }) => winner === 'jpg_1').length, counts.flips);

    const [pair] = data.pairs;
    assert.ok(pair);
    const images = [await pairPicture(data, pair, 'jpg_0'), await pairPicture(data, pair, 'jpg_1')];
    const scores = await selector.score(images, pair.caption);
    const clip = await loadClipModel(EMBEDDED_SCORER);
    assert.deepEqual(scores, clipScores(clip, images, [pair.caption, pair.caption]));
    clip.model.parameters.dispose();
    selector.dispose();
    assert.equal(tensorCount(), before);
  });

  it("refuses the original's scorers, whose weights are not here, and what is no folder", async () => {
    for (const name of ['aes', 'clip', 'hps', 'pickscore']) {
      await assert.rejects(
        openSelector(name),
        new RegExp(`"${name}" comes with weights of its own`),
      );
    }
    await assert.rejects(
      openSelector('/nowhere'),
      /"\/nowhere"; it takes "embedded" or the folder/,
    );
  });
});
