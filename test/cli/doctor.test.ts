import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { markdownTable } from '../../src/cli/doctor';
import { usableProcessors } from '../../src/engine/threads';

const root = resolve(__dirname, '../..');

describe('doctor', () => {
  let home: string;
  let output: string;
  before(() => {
    home = mkdtempSync(join(os.tmpdir(), 'home-of-zaphod-'));
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'src/cli/doctor.ts'],
      {
        cwd: root,
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH,
          HOME: home,
          USER: 'zaphod',
          LOGNAME: 'zaphod',
          HOSTNAME: 'heart-of-gold',
          HF_TOKEN: 'hf_secret',
          HTTPS_PROXY: 'http://zaphod:password@proxy.example',
        },
      },
    );
    assert.equal(status, 0, stdout + stderr);
    output = stdout;
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  /** What the row of `part` says. */
  function found(part: string): string {
    const row = output.split('\n').find((line) => line.startsWith(`| ${part} `));
    assert.ok(row, `no row "${part}" in\n${output}`);
    return row.split('|')[2]?.trim() ?? '';
  }

  it('tells Node, compiler, TensorFlow, devices, threads, oneDNN, kernels, memory and disk', () => {
    assert.equal(found('Node'), process.versions.node);
    assert.match(found('C++ compiler'), /\d+\.\d+/);
    assert.match(found('TensorFlow'), /^2\.21\.0 /);
    assert.match(found('devices'), /^(CPU|GPU)$/);
    assert.match(found('GPU path'), /^untested/);
    assert.match(found('processor'), /, \d+ of \d+ to use$/);
    const n = usableProcessors();
    assert.equal(found('threads'), `kernels ${n}, TensorFlow ${n} in an operation, 1 at a time`);
    assert.match(found('oneDNN'), /^(on|off)$/);
    assert.match(found('native kernels'), /^(portable|avx2|avx512|avx512bf16)$/);
    assert.match(found('memory'), /^[\d.]+ GiB free of [\d.]+ GiB$/);
    assert.match(found('disk'), /^[\d.]+ GiB free$/);
    assert.match(found('Jupyter kernel'), /^found, "/);
  });

  it('tells the version of every pinned part', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.equal(found(name), version.replace(/^npm:.*@/, ''));
    }
    const pinned = readFileSync(join(root, 'kernels/typescript/requirements.txt'), 'utf8');
    assert.ok(pinned.includes(`\njupyterlab==${found('jupyterlab')} `));
  });

  it('tells no user name, path, host name or secret', () => {
    const secrets = ['zaphod', home, root, 'heart-of-gold', 'hf_secret', 'password'];
    for (const secret of [...secrets, 'proxy.example']) {
      assert.ok(!output.includes(secret), `"${secret}" in\n${output}`);
    }
    assert.doesNotMatch(output, /(^|[\s|])\/\w+\//m);
  });
});

describe('markdownTable', () => {
  it('pads its columns', () => {
    const table = markdownTable([
      ['Node', '20.20.2'],
      ['disk', '1 GiB free'],
    ]);
    assert.equal(
      table,
      [
        '| part | found      |',
        '| ---- | ---------- |',
        '| Node | 20.20.2    |',
        '| disk | 1 GiB free |',
      ].join('\n'),
    );
  });
});
