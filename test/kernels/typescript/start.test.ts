/** What makes the kernel start soon must change nothing else. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import ts from '@tslab/typescript-for-tslab';
import { startKernel } from '../../../kernels/typescript/client';
import { withoutComments } from '../../../kernels/typescript/typescript-host';
import { inTemporaryFolder } from '../../support/temporary';

const root = resolve(__dirname, '../../..');

describe('withoutComments', () => {
  const printer = ts.createPrinter({ removeComments: true });
  const printed = (text: string) =>
    printer.printFile(ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.ES2022));

  it('leaves Node’s declarations as they are, with less than half of their text', () => {
    const folder = join(root, 'node_modules/@types/node');
    const names = readdirSync(folder).filter((name) => name.endsWith('.d.ts'));
    assert.ok(names.length > 40);
    let [before, after] = [0, 0];
    for (const name of names) {
      const text = readFileSync(join(folder, name), 'utf8');
      const bare = withoutComments(text);
      assert.equal(printed(bare), printed(text), name);
      before += text.length;
      after += bare.length;
    }
    assert.ok(after < before / 2);
  });
});

describe('keepCompiledCode', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-compiled-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps what a worker has compiled when it is asked to', () => {
    const file = join(folder, 'node_modules/large/index.js');
    mkdirSync(join(folder, 'node_modules/large'), { recursive: true });
    writeFileSync(file, `exports.value = 1;\n${'// filling\n'.repeat(20_000)}`);
    const cache = join(root, 'kernels/typescript/compile-cache.cjs');
    const kept = join(folder, 'kept');
    const work = `const keep = require(${JSON.stringify(cache)}).keepCompiledCode(${JSON.stringify(kept)});
      require(${JSON.stringify(file)}); keep(); keep();`;
    const start = `new (require('node:worker_threads').Worker)(${JSON.stringify(work)}, { eval: true });`;
    execFileSync(process.execPath, ['-e', start]);
    assert.equal(readdirSync(kept).length, 1);
  });

  it('compiles a large package once, and again when it has changed', () => {
    const file = join(folder, 'node_modules/large/index.js');
    const kept = join(folder, 'kept');
    mkdirSync(join(folder, 'node_modules/large'), { recursive: true });
    const cache = join(root, 'kernels/typescript/compile-cache.cjs');
    const program = `require(${JSON.stringify(cache)}).keepCompiledCode(${JSON.stringify(kept)});
      const { path, value } = require(${JSON.stringify(file)});
      process.stdout.write(path + ' ' + value);`;
    const run = () => execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    const write = (value: number) => {
      const code = `exports.path = __filename; exports.value = require('node:os') && ${value};`;
      writeFileSync(file, `${code}\n${'// filling\n'.repeat(20_000)}`);
    };

    write(1);
    assert.equal(run(), `${file} 1`);
    const [name = ''] = readdirSync(kept);
    utimesSync(join(kept, name), 1, 1);
    assert.equal(run(), `${file} 1`);
    assert.equal(statSync(join(kept, name)).mtimeMs, 1000); // used, not written again
    write(2);
    assert.equal(run(), `${file} 2`);
    assert.equal(readdirSync(kept).length, 2);
  });
});

describe('packages that are loaded before a cell needs them', () => {
  it('are tfjs and others, and not TensorFlow, whose environment the first cell may still set', async () => {
    const kernel = await startKernel({ folder: join(root, 'notebooks') });
    const run = async (code: string) => {
      const results: string[] = [];
      const { status, evalue } = await kernel.execute(code, {
        onMessage: (type, { data }) => {
          if (type === 'execute_result')
            results.push((data as Record<string, string>)['text/plain'] ?? '');
        },
      });
      assert.equal(status, 'ok', String(evalue));
      return results.join('\n');
    };
    try {
      const before = await run(`
        import { readFileSync } from 'node:fs';
        const loaded = Object.keys(require.cache);
        const libraries = readFileSync('/proc/self/maps', 'utf8');
        process.env.DPO_THREADS = '1';
        process.env.DPO_KERNELS = 'plain';
        [['@tensorflow/tfjs/', 'sharp/'].every((name) => loaded.some((file) => file.includes(name))),
          libraries.includes('libtensorflow')].join()`);
      assert.match(before, /true,false/);
      const after = await run(`
        import { engineInfo } from '../src';
        const { kernels, tensorflowThreads } = engineInfo();
        [kernels, tensorflowThreads].join()`);
      assert.match(after, /plain,1/);
    } finally {
      await kernel.shutdown();
    }
  });
});

describe('a kernel whose parent dies while it starts', () => {
  it('ends itself', () =>
    inTemporaryFolder(async (folder) => {
      const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
      const connection = { transport: 'ipc', ip: join(folder, 'socket'), ...ports };
      const signature = { signature_scheme: 'hmac-sha256', key: 'secret' };
      const file = join(folder, 'connection.json');
      writeFileSync(file, JSON.stringify({ ...connection, ...signature }));
      const launcher = join(root, 'kernels/typescript/launch.cjs');
      // The shell lives long enough to be seen, and on a quiet machine not until the compiler is loaded.
      const start = '"$0" "$1" "$2" >/dev/null 2>&1 & echo $!; sleep 1';
      const args = ['-c', start, process.execPath, launcher, file];
      const kernel = Number(spawnSync('sh', args, { encoding: 'utf8', cwd: folder }).stdout);
      for (let second = 0; second < 40 && isAlive(kernel); second++) await sleep(1000);
      const left = isAlive(kernel);
      if (left) process.kill(kernel, 'SIGKILL');
      assert.ok(!left, 'the kernel outlived its parent');
    }));
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    return false;
  }
}
