import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { preferenceFiles } from '../../src/data/pairs';
import { type PreferenceRow, readPreferenceRows } from '../../src/data/pickapic';
import { generateImages } from '../../src/diffusion';
import { readCaption } from '../../src/toyworld/captions';
import { judge, utility } from '../../src/toyworld/judge';
import { compareWorlds } from '../../src/toyworld/making/make-world';
import {
  heldoutPrompts,
  measureScorer,
  utilityDifferences,
} from '../../src/toyworld/making/measure';
import { hashes } from '../../src/toyworld/making/package';
import { DRAWING } from '../../src/toyworld/making/pairs';
import { RECIPE } from '../../src/toyworld/making/recipe';
import { labelAgreement } from '../../src/toyworld/making/scorer';
import { isHeldOut } from '../../src/toyworld/scenes';
import { loadWorld, WORLD_FOLDER, type World } from '../../src/toyworld/world';
import { assertClose } from '../support/assert';

async function rowsOf(split: string, count: number): Promise<PreferenceRow[]> {
  const rows: PreferenceRow[] = [];
  for (const path of preferenceFiles(join(WORLD_FOLDER, 'pairs'), split))
    for await (const row of readPreferenceRows(path)) if (rows.length < count) rows.push(row);
  return rows;
}

describe('the committed world', () => {
  let world: World;
  before(async () => {
    world = await loadWorld();
  });
  after(() => world.dispose());

  it('is what its data card says, to the byte, and fits in 25 MB', () => {
    const card = readFileSync(join(WORLD_FOLDER, 'README.md'), 'utf8');
    const files = hashes(WORLD_FOLDER);
    for (const { name, bytes, sha256 } of files)
      assert.ok(card.includes(`| ${name} | ${bytes} | \`${sha256}\` |`), name);
    assert.ok(files.reduce((sum, { bytes }) => sum + bytes, 0) < 25 * 2 ** 20);
  });

  it('compares as the same world with itself', async () => {
    const { figures, sameFiles, files } = await compareWorlds(WORLD_FOLDER, WORLD_FOLDER);
    assert.equal(sameFiles, files);
    assert.ok(figures.length > 10 && figures.every(({ made, committed }) => made === committed));
  });

  it('reaches what was promised of it', async () => {
    const { figures } = await compareWorlds(WORLD_FOLDER, WORLD_FOLDER);
    const figure = (name: string) => figures.find((f) => f.name === name)?.made ?? 0;
    assert.ok(figure('base colour') >= 0.75 && figure('base shape') >= 0.6);
    assert.ok(figure('scorer label agreement') >= 0.72);
    assert.ok(figure('scorer label agreement') < figure('heldout Bayes ceiling'));
  });

  it('has the scorer that its figures tell of', async () => {
    const { figures } = await compareWorlds(WORLD_FOLDER, WORLD_FOLDER);
    const rows = await rowsOf('heldout', Infinity);
    const measured = await measureScorer(WORLD_FOLDER, rows);
    for (const [name, value] of Object.entries(measured))
      assertClose(value, figures.find((figure) => figure.name === name)?.made ?? 0, {
        atol: 0.003,
      });
  });

  it('keeps held-out combinations out of the training captions', () => {
    assert.ok(world.trainPairs.pairs.every(({ caption }) => !isHeldOut(readCaption(caption))));
    assert.ok(world.heldoutPairs.pairs.every(({ caption }) => isHeldOut(readCaption(caption))));
    assert.ok(world.heldoutPrompts.every((caption) => isHeldOut(readCaption(caption))));
    assert.deepEqual(world.heldoutPrompts, heldoutPrompts(RECIPE));
  });

  it('has labels that follow the judge as far as chance allows', async () => {
    const rows = await rowsOf('heldout', 100);
    const labels = rows.map(({ label_0 = 0.5 }) => ({ label0: label_0 }));
    const agreement = labelAgreement(await utilityDifferences(rows), labels);
    assert.ok(agreement > 0.75, `${agreement}`); // the ceiling is near 0.87
    assert.ok(labels.every(({ label0 }) => [0, 0.5, 1].includes(label0)));
  });

  it('has a base that draws what captions say, mostly', () => {
    const prompt = world.heldoutPrompts.slice(0, 16);
    const images = generateImages(world.base, { prompt, seed: 3, ...DRAWING });
    const judged = images.map((image, i) => judge(image, prompt[i] ?? ''));
    const mean = (of: (j: (typeof judged)[number]) => number) =>
      judged.reduce((sum, j) => sum + of(j), 0) / judged.length;
    assert.ok(mean((j) => j.colour) > 0.5, `colour ${mean((j) => j.colour)}`);
    assert.ok(mean((j) => j.shape) > 0.3, `shape ${mean((j) => j.shape)}`);
    assert.ok(mean((j) => utility(j)) > 6);
  });
});
