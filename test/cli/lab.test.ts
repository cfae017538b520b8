import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { labArguments, labEnvironment } from '../../src/cli/lab';

const root = resolve(__dirname, '../..');

describe('lab', () => {
  it('keeps what Jupyter writes inside the clone and the kernels of the user in sight', () => {
    const env = labEnvironment({ HOME: '/nowhere', JUPYTER_PATH: '/theirs' });
    assert.equal(env.JUPYTER_PATH, `${root}${delimiter}/theirs`);
    assert.equal(labEnvironment({}).JUPYTER_PATH, root);
    for (const name of ['CONFIG', 'DATA', 'RUNTIME']) {
      assert.ok(env[`JUPYTER_${name}_DIR`]?.startsWith(join(root, '.cache')), name);
    }
  });

  it('allows root only to root and passes further arguments on', () => {
    assert.ok(labArguments(0, []).includes('--allow-root'));
    assert.ok(!labArguments(1000, []).includes('--allow-root'));
    assert.deepEqual(labArguments(1000, ['--no-browser']).slice(-1), ['--no-browser']);
  });

  it('starts a JupyterLab that knows these options and touches no home folder', () => {
    const home = mkdtempSync(join(tmpdir(), 'dpo-home-'));
    try {
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ['--import', 'tsx', 'src/cli/lab.ts', '--show-config'],
        { cwd: root, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: home } },
      );
      assert.equal(status, 0, stderr);
      assert.ok(stdout.includes(`.preferred_dir = '${join(root, 'notebooks')}'`), stdout);
      assert.match(stdout, /\.limit_rate = (False|'False')/); // a cell's flood of lines arrives whole
      assert.deepEqual(readdirSync(home), []);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
