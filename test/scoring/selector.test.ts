import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseWinners, openPairs, pairPicture } from '../../src/data';
import { tensorCount } from '../../src/engine';
import { EMBEDDED_SCORER, loadSelector, weightsHash } from '../../src/scoring';
import { WORLD_FOLDER } from '../../src/toyworld/world';
import { assertClose, assertNoLeak } from '../support/assert';
import { fixturePath, jsonFixture } from '../support/fixtures';
import { scoringPictures } from '../support/scoring';
import { inTemporaryFolder } from '../support/temporary';

const TINY = fixturePath('scoring', 'tiny-clip');
const { prompts, scores } = jsonFixture<{ prompts: string[]; scores: number[] }>(
  'scoring',
  'scores.json',
);

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

describe('loadSelector', () => {
  it('opens the embedded scorer, which agrees with most labels of the world', async () => {
    const before = tensorCount();
    const world = await openPairs(join(WORLD_FOLDER, 'pairs'), { split: 'heldout' });
    const data = { ...world, pairs: world.pairs.slice(0, 40) };
    const selector = await loadSelector('embedded');
    const { data: chosen, counts } = await chooseWinners(data, selector);
    assert.equal(counts.pairs, 40);
    assert.ok(counts.agreement > 0.6 && counts.kappa > 0.2, JSON.stringify(counts));
    assert.equal(chosen.pairs.filter(({ winner }) => winner === 'jpg_1').length, counts.flips);

    const [pair] = data.pairs;
    assert.ok(pair);
    const images = [await pairPicture(data, pair, 'jpg_0'), await pairPicture(data, pair, 'jpg_1')];
    const asked = selector.score(images, pair.caption);
    assertClose(selector.scoreMany(images, [pair.caption, pair.caption]), asked);
    selector.dispose();
    assert.equal(tensorCount(), before);
  });

  it("gives transformers' cosines, one prompt at a time and all at once", async () => {
    const selector = await loadSelector('pickscore', { weights: TINY, batchSize: 7 });
    const pictures = scoringPictures();
    assertNoLeak(() => {
      assertClose(selector.scoreMany(pictures, prompts), scores, { rtol: 0, atol: 1e-5 });
      const one = pictures.flatMap((picture, i) => selector.score([picture], prompts[i] ?? ''));
      assertClose(one, scores, { rtol: 0, atol: 1e-5 });
    });
    assert.throws(() => selector.scoreMany(pictures, ['cat']), /20 pictures and 1 prompts/);
    selector.dispose();
  });

  it('says whose numbers they are: name, revision, SHA-256 of the weights', async () => {
    const selector = await loadSelector(TINY);
    const hash = sha256(readFileSync(join(TINY, 'model.safetensors')));
    assert.deepEqual(selector.identity, { name: TINY, revision: 'local', hash });
    selector.dispose();
  });

  it('refuses a name that is none, and a folder without a model', async () => {
    await assert.rejects(
      loadSelector('best'),
      /no scorer "best"; give embedded, pickscore, .* owner\/name/,
    );
    await assert.rejects(loadSelector('/nowhere'), /"\/nowhere" is no folder or file here/);
    await assert.rejects(
      loadSelector(fixturePath('scoring')),
      /scoring\/config\.json: there is no such file, nor an OpenCLIP model/,
    );
  });
});

describe('weightsHash', () => {
  it('is the hash of one file, and of several that of their sorted hashes', async () => {
    const paths = [join(EMBEDDED_SCORER, 'config.json'), join(TINY, 'config.json')];
    const [first = '', second = ''] = paths.map((path) => sha256(readFileSync(path)));
    assert.equal(await weightsHash(paths.slice(0, 1)), first);
    assert.equal(
      await weightsHash([...paths].reverse()),
      sha256([first, second].sort().join('\n')),
    );
    assert.equal(await weightsHash(paths), await weightsHash([...paths].reverse()));
  });

  it('is that of the file as it is now, also after it was hashed', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'model.safetensors');
      writeFileSync(path, 'first');
      const hashes = await Promise.all([weightsHash([path]), weightsHash([path])]);
      assert.deepEqual(hashes, [sha256('first'), sha256('first')]);
      writeFileSync(path, 'second');
      assert.equal(await weightsHash([path]), sha256('second'));
      await assert.rejects(weightsHash([join(folder, 'none')]), /ENOENT/);
    }));
});
