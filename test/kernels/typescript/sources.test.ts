/** `npm run check` is done by another TypeScript than the kernel's, and accepts more. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');
const notebooks = join(root, 'notebooks');
const NEWER = `const sizes = [1, undefined, 3].filter((size) => size !== undefined);
export const largest: number = Math.max(...sizes); // number[] since 5.5
`;

describe('the kernel’s own TypeScript', () => {
  let folder = '';

  before(() => {
    mkdirSync(join(root, '.cache'), { recursive: true });
    folder = mkdtempSync(join(root, '.cache', 'sources-test-'));
    writeFileSync(join(folder, 'newer.ts'), NEWER);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('accepts everything behind src/index.ts, and not what only a newer one does', () => {
    const newer = join(relative(notebooks, folder), 'newer');
    const script = join(__dirname, 'checked-sources.ts');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', script, '../src', newer],
      { cwd: notebooks, encoding: 'utf8' },
    );
    assert.match(stdout, /^\[/, stderr);
    const [sources, refused] = JSON.parse(stdout) as string[][];
    assert.deepEqual(sources, [], `a notebook would refuse:\n${sources?.join('\n')}`);
    assert.match(
      refused?.join('\n') ?? '',
      /newer\.ts\(2,41\): error TS2345: .*'number \| undefined' is not assignable/,
    );
  });
});
