import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openWorkshop, worldArgs } from '../../src/cli/world-args';
import { inTemporaryFolder } from '../support/temporary';

const root = resolve(__dirname, '..', '..');

describe('worldArgs', () => {
  it('makes the whole world in runs/world unless told otherwise', () => {
    assert.deepEqual({ ...worldArgs([]) }, { scale: 1, output: join(root, 'runs', 'world') });
    const args = worldArgs(['--scale', '0.01', '--output', '/tmp/small']);
    assert.deepEqual({ ...args }, { scale: 0.01, output: '/tmp/small' });
  });
});

describe('openWorkshop', () => {
  it('never lets a world be made in data/', () => {
    for (const folder of [root, join(root, 'data'), join(root, 'data', 'base')])
      assert.throws(() => openWorkshop(folder, 1), /never made in .*data; give another --output/);
  });

  it('goes on at the scale it was begun with, and at no other', () =>
    inTemporaryFolder(async (folder) => {
      openWorkshop(folder, 0.01);
      assert.equal(readFileSync(join(folder, 'scale'), 'utf8'), '0.01\n');
      openWorkshop(folder, 0.01);
      assert.throws(() => openWorkshop(folder, 1), /was begun with --scale 0\.01, not 1/);
    }));

  it('takes a folder without a mark, in which something lies, for one of the whole world', () =>
    inTemporaryFolder(async (folder) => {
      writeFileSync(join(folder, 'contrast.safetensors'), '');
      openWorkshop(folder, 1);
      assert.throws(() => openWorkshop(folder, 0.5), /was begun with --scale 1, not 0\.5/);
    }));
});
