import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = resolve(__dirname, '../../..');
const setup = join(root, 'kernels/tensorflow/setup');
const python = join(root, '.venv/bin/python');

describe('set-up folders', () => {
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dpo-unpack-')));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  describe('unpack.py', () => {
    /** Writes a wheel with these members, stored without compression. */
    function makeWheel(members: Record<string, string>): string {
      const path = join(folder, 'thing.whl');
      const code =
        'import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w") as z:\n for k, v in json.loads(sys.argv[2]).items(): z.writestr(k, v)';
      assert.equal(spawnSync(python, ['-I', '-c', code, path, JSON.stringify(members)]).status, 0);
      return path;
    }

    function unpack(wheel: string, ...prefixes: string[]) {
      const options = prefixes.map((prefix) => `--prefix=${prefix}`);
      const out = join(folder, 'out');
      const args = ['-I', join(setup, 'unpack.py'), ...options, out, wheel];
      return spawnSync(python, args, { encoding: 'utf8' });
    }

    it('takes what begins with a prefix and reports the bytes', () => {
      const wheel = makeWheel({ 'a/lib.so': 'library', 'a/other.py': 'code', 'b/x.h': 'header' });
      const { status, stdout } = unpack(wheel, 'a/lib', 'b/');
      assert.equal(status, 0);
      assert.equal(readFileSync(join(folder, 'out/a/lib.so'), 'utf8'), 'library');
      assert.equal(readFileSync(join(folder, 'out/b/x.h'), 'utf8'), 'header');
      assert.ok(!existsSync(join(folder, 'out/a/other.py')));
      assert.match(stdout, /"total": 13/);
    });

    it('refuses a damaged member', () => {
      const wheel = makeWheel({ 'a/lib.so': 'library' });
      const bytes = readFileSync(wheel);
      bytes.writeUInt8(0x4c, bytes.indexOf('library')); // "Library"
      writeFileSync(wheel, bytes);
      const { status, stderr } = unpack(wheel, 'a/');
      assert.notEqual(status, 0);
      assert.match(stderr, /Bad CRC-32/);
    });

    it('refuses a member outside the folder', () => {
      const { status, stderr } = unpack(makeWheel({ 'a/../../escaped': 'x' }), 'a/');
      assert.notEqual(status, 0);
      assert.match(stderr, /lies outside the folder/);
      assert.ok(!existsSync(join(folder, 'escaped')));
    });
  });

  describe('makeRelocatable', () => {
    it('lets a program of an environment run after a rename and after a move', async () => {
      const { makeRelocatable } = (await import(
        pathToFileURL(join(setup, 'python-env.mjs')).href
      )) as { makeRelocatable(folder: string, finalFolder: string): void };
      const [fresh, final, moved] = ['fresh', 'final', 'moved'].map((name) =>
        join(folder, name),
      ) as [string, string, string];
      mkdirSync(join(fresh, 'bin'), { recursive: true });
      const program = (name: string, text: string) => {
        writeFileSync(join(fresh, 'bin', name), text);
        chmodSync(join(fresh, 'bin', name), 0o755);
      };
      program('python', `#!/bin/sh\nexec ${python} "$@"\n`);
      program('tool', `#!${fresh}/bin/python3.11\nimport sys\nprint("tool", sys.argv[1])\n`);
      program('activate', `VIRTUAL_ENV=${fresh}\n`);

      makeRelocatable(fresh, final);
      for (const place of [final, moved]) {
        renameSync(place === final ? fresh : final, place);
        const { stdout } = spawnSync(join(place, 'bin/tool'), ['x y'], { encoding: 'utf8' });
        assert.equal(stdout, 'tool x y\n');
      }
      assert.equal(readFileSync(join(moved, 'bin/activate'), 'utf8'), `VIRTUAL_ENV=${final}\n`);
      assert.equal(statSync(join(moved, 'bin/tool')).mode & 0o777, 0o755);
    });
  });
});
