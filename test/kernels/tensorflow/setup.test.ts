import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');
const debian = /sudo apt install|apt install -y/;
const fedora = /sudo dnf install/;
const macos = /brew install|xcode-select --install/;

/** A clone with nothing set up, and an empty folder of programs beside it. */
function emptyClone() {
  const folder = mkdtempSync(join(tmpdir(), 'dpo-setup-'));
  const clone = join(folder, 'clone');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const path of ['package.json', 'package-lock.json', 'kernels/typescript/requirements.txt']) {
    cpSync(join(root, path), join(clone, path));
  }
  cpSync(join(root, 'kernels/tensorflow'), join(clone, 'kernels/tensorflow'), {
    recursive: true,
    filter: (path) => path !== join(root, 'kernels/tensorflow/build'),
  });
  return { folder, clone, bin };
}

/** Where a program of this machine lies. */
function which(name: string): string {
  return spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}

describe('set-up', () => {
  let place: ReturnType<typeof emptyClone>;
  beforeEach(() => {
    place = emptyClone();
  });
  afterEach(() => {
    rmSync(place.folder, { recursive: true, force: true });
  });

  /** A program of the faked machine. */
  function program(name: string, script: string) {
    const path = join(place.bin, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  const workingCompiler = () => program('c++', 'exit 0');
  const workingPython = () =>
    program('python3', 'case "$*" in *version_info*) echo 3.12;; *ensurepip*) exit 0;; esac');

  /** Runs the set-up on a machine that has only the programs of `bin`, and no network. */
  function setUp(env: NodeJS.ProcessEnv = {}) {
    const main = join(place.clone, 'kernels/tensorflow/setup/main.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [main], {
      cwd: place.clone,
      encoding: 'utf8',
      env: { PATH: place.bin, HOME: place.folder, DPO_ENGINE: 'cpu', ...env },
    });
    return { status, stdout, sentence: stderr.trim() };
  }

  /** One sentence on one line, with a command for each system. */
  function assertSentence(run: { status: number | null; sentence: string }, what: RegExp) {
    assert.equal(run.status, 1);
    assert.match(run.sentence, what);
    assert.equal(run.sentence.split('\n').length, 1, run.sentence);
    for (const system of [debian, fedora, macos]) assert.match(run.sentence, system);
  }

  it('names a missing compiler before it downloads anything', () => {
    workingPython();
    assertSentence(setUp(), /^No C\+\+17 compiler was found; /);
    assert.ok(!existsSync(join(place.clone, 'node_modules')));
  });

  it('does not take a compiler that cannot compile C++17', () => {
    workingPython();
    program('c++', 'exit 1');
    assertSentence(setUp(), /^No C\+\+17 compiler was found; /);
  });

  it('names a missing Python', () => {
    workingCompiler();
    assertSentence(setUp(), /^Python 3\.10 or newer was not found; /);
  });

  it('names a Python that is too old', () => {
    workingCompiler();
    program('python3', 'echo 3.9');
    assertSentence(setUp(), /^Python 3\.9 is too old, this needs Python 3\.10 or newer; /);
  });

  it('names a Python without its venv module or pip', () => {
    workingCompiler();
    program('python3', 'case "$*" in *version_info*) echo 3.11;; *) exit 1;; esac');
    assertSentence(setUp(), /^Python 3\.11 lacks its venv module or pip; .*python3-venv/);
  });

  it('names a missing npm', () => {
    workingCompiler();
    workingPython();
    assertSentence(setUp(), /^npm was not found beside Node; /);
  });

  it('says when the network is not there, and that the same command goes on', () => {
    workingCompiler();
    workingPython();
    program('npm', 'echo "npm error code EAI_AGAIN" >&2; exit 1');
    const { status, sentence } = setUp();
    assert.equal(status, 1);
    assert.match(
      sentence,
      /^The network could not be reached while installing the npm packages; .*same command/,
    );
  });

  it('says when the disk is full', () => {
    workingCompiler();
    workingPython();
    program('npm', 'echo "npm error nospc ENOSPC: no space left on device, write" >&2; exit 1');
    assert.match(setUp().sentence, /^The disk is full while installing the npm packages; /);
  });

  it('says when a download has another hash', () => {
    workingCompiler();
    workingPython();
    program('npm', 'echo "npm error code EINTEGRITY" >&2; exit 1');
    assert.match(setUp().sentence, /^A download has another hash than the pinned one /);
  });

  it('refuses an engine that does not exist', () => {
    workingCompiler();
    workingPython();
    assert.match(
      setUp({ DPO_ENGINE: 'tpu' }).sentence,
      /^DPO_ENGINE is "tpu"; it may be cpu, cuda or auto\.$/,
    );
  });

  it('ends within two seconds of an interrupt and leaves no lock', () => {
    workingCompiler();
    workingPython();
    program('npm', `kill -INT $PPID; exec ${which('sleep')} 30`);
    const started = performance.now();
    const { status, stdout } = setUp();
    assert.equal(status, 130);
    assert.match(stdout, /Stopped; what was downloaded is kept/);
    assert.ok(performance.now() - started < 10_000);
    assert.ok(!existsSync(join(place.clone, '.cache/setup.lock')));
  });

  it('touches nothing but the clone, though the home folder is read-only', () => {
    workingCompiler();
    workingPython();
    for (const name of ['mkdir', 'env']) symlinkSync(which(name), join(place.bin, name));
    program('npm', 'env > "$TMPDIR/env.txt"; exit 1');
    const home = join(place.folder, 'home');
    mkdirSync(home, { mode: 0o500 });
    setUp({ HOME: home });
    assert.deepEqual(readdirSync(home), []);
    assert.deepEqual(readdirSync(place.folder).sort(), ['bin', 'clone', 'home']);
    assert.deepEqual(readdirSync(join(place.clone, '.cache/tmp')), ['env.txt']);
  });
});
