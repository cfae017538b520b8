/** What makes the kernel start soon must change nothing else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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
import ts from '@tslab/typescript-for-tslab';
import { withoutComments } from '../../../kernels/typescript/typescript-host';

const root = resolve(__dirname, '../../..');

describe('withoutComments', function () {
  this.timeout(20_000);

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
