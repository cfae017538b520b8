import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..');

describe('.ci/run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-ci-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs .ci/run in a repository with these scripts. */
  function runWith(test: string, parity = "echo '3 passed, 0 failed'") {
    const repository = join(folder, 'repository');
    const temporary = join(folder, 'tmp');
    mkdirSync(temporary);
    cpSync(join(root, '.ci'), join(repository, '.ci'), { recursive: true });
    writeFileSync(
      join(repository, 'package.json'),
      JSON.stringify({ scripts: { test, 'test:parity': parity } }),
    );
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        cwd: repository,
      });
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '--message=x');
    writeFileSync(join(repository, 'uncommitted'), '');
    const { status, stdout } = spawnSync('bash', [join(repository, '.ci/run')], {
      encoding: 'utf8',
      env: { ...process.env, CI: 'true', TMPDIR: temporary },
    });
    assert.deepEqual(
      readdirSync(temporary).filter((name) => name.startsWith('diffusion-dpo')),
      [],
    );
    return { status, lines: stdout.trimEnd().split('\n') };
  }

  it('ends with the tally of a clean clone, both scripts together', () => {
    const { status, lines } = runWith("ls; echo '12 passed, 0 failed'");
    assert.equal(status, 0);
    assert.equal(lines.at(-1), '15 passed, 0 failed');
    assert.ok(lines.includes('package.json') && !lines.includes('uncommitted'));
  });

  it('fails with the tests', () => {
    const { status, lines } = runWith("echo '11 passed, 1 failed'; exit 1");
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '14 passed, 1 failed');
  });

  it('says at the end what failed, in the words of the tests', () => {
    const fault = "printf 'lines\n\n── failed\na › b\nwhy\n\n11 passed, 1 failed\n'; exit 1";
    const { lines } = runWith(fault, "echo others; echo '3 passed, 0 failed'");
    assert.deepEqual(lines.slice(-6), [
      'others',
      '3 passed, 0 failed',
      '── failed',
      'a › b',
      'why',
      '14 passed, 1 failed',
    ]);
  });

  it('fails with the heavier tests', () => {
    const { status, lines } = runWith(
      "echo '11 passed, 0 failed'",
      "echo '1 passed, 2 failed'; exit 1",
    );
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '12 passed, 2 failed');
  });

  it('counts a failure when the tests never end', () => {
    const { status, lines } = runWith("echo 'No C++17 compiler was found'; exit 1");
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '3 passed, 1 failed');
  });
});
