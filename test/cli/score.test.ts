import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scoreArgs } from '../../src/cli/score-args';
import { jsonLine, scorePictures, scorerList, table } from '../../src/cli/score-pictures';
import { tensorCount } from '../../src/engine';
import { loadSelector, SELECTOR_NAMES } from '../../src/scoring';
import {
  HPS_FILE,
  selectorFixture as python,
  selectorPictures,
  TINY_CLIP,
} from '../support/scoring';
import { inTemporaryFolder } from '../support/temporary';

/** Writes the fixture's files of other modes; returns their paths by name. */
function writePictures(folder: string): string[] {
  const files = Object.entries(python.files).sort(([a], [b]) => (a < b ? -1 : 1));
  return files.map(([name, data]) => {
    const path = join(folder, `${name}${name.includes('JPEG') ? '.jpg' : '.png'}`);
    writeFileSync(path, Buffer.from(data, 'base64'));
    return path;
  });
}

describe('npm run score', () => {
  it('gives the numbers of the scorer, in full, for files and for the pictures of a folder', () =>
    inTemporaryFolder(async (folder) => {
      const before = tensorCount();
      const inside = join(folder, 'inside');
      mkdirSync(inside);
      writeFileSync(join(inside, 'notes.txt'), 'no picture');
      const paths = writePictures(inside);
      const weights = ['--weights', HPS_FILE, '--processor', TINY_CLIP, '--batch_size', '3'];
      const asked = ['--selector', 'hps', '--prompt', 'a cat', ...weights];
      const { scored, identity, damaged } = await scorePictures(scoreArgs([...asked, inside]));
      assert.deepEqual(damaged, []);
      assert.deepEqual(
        scored.map(({ file }) => file),
        paths,
      );
      const images = (await selectorPictures()).slice(-paths.length);
      const selector = await loadSelector('hps', { weights: HPS_FILE, processor: TINY_CLIP });
      const byFile = new Map(Object.keys(python.files).map((name, i) => [name, images[i]]));
      for (const [i, name] of Object.keys(python.files).sort().entries()) {
        const image = byFile.get(name);
        assert.ok(image);
        const [score = Number.NaN] = selector.score([image], 'a cat');
        assert.ok(Math.abs((scored[i]?.score ?? 0) - score) < 1e-6, name);
      }
      assert.deepEqual(identity, selector.identity);
      selector.dispose();
      const [first] = scored;
      assert.ok(first);
      const { file, score, hash } = JSON.parse(jsonLine(first, identity));
      assert.deepEqual([file, score, hash], [first.file, first.score, identity.hash]);
      const [title, head, row] = table(scored, identity).split('\n');
      assert.equal(title, `hps, revision local, SHA-256 ${identity.hash}`);
      assert.match(head ?? '', /^ +score {2}picture$/);
      assert.equal(row, `${first.score.toFixed(6).padStart(9)}  ${first.file}`);
      assert.equal(tensorCount(), before);
    }));

  it('names a picture that is damaged, and scores the others', () =>
    inTemporaryFolder(async (folder) => {
      const [good = ''] = writePictures(folder);
      const bad = join(folder, 'bad.png');
      writeFileSync(bad, 'nothing');
      const args = scoreArgs(['--selector', TINY_CLIP, '--prompt', 'a cat', bad, good]);
      const { scored, damaged } = await scorePictures(args);
      assert.deepEqual(
        scored.map(({ file }) => file),
        [good],
      );
      assert.deepEqual(damaged, [`${bad}: The picture file is not a JPEG, PNG or WebP.`]);
    }));

  it('says what is not there', () =>
    inTemporaryFolder(async (folder) => {
      const score = (...pictures: string[]) =>
        scorePictures(scoreArgs(['--selector', 'embedded', '--prompt', 'x', ...pictures]));
      await assert.rejects(score('/nowhere.png'), /\/nowhere\.png cannot be read \(ENOENT\)/);
      await assert.rejects(score(folder), /has no pictures \(PNG, JPEG, WebP\)/);
    }));

  it('lists what each scorer needs', () => {
    const blocks = scorerList().split('\n\n');
    assert.match(blocks.pop() ?? '', /have not\nbeen tried\.$/);
    assert.deepEqual(
      blocks.map((block) => block.split(':')[0]),
      [...SELECTOR_NAMES],
    );
    assert.match(
      blocks[1] ?? '',
      /3\.94 GB {2}model\.safetensors, of yuvalkirstain\/PickScore_v1$/m,
    );
    for (const block of blocks) assert.match(block, /^ {2}licence: (MIT|Apache-2\.0)/m);
  });
});
