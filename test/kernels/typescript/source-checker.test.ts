/** No source is type-checked twice, and none goes unchecked that an edit may have made wrong. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import ts from '@tslab/typescript-for-tslab';
import { sourceChecker } from '../../../kernels/typescript/source-checker';
import type { CompilerHost } from '../../../kernels/typescript/typescript-host';

const options: ts.CompilerOptions = {
  strict: true,
  declaration: true,
  outDir: 'out',
  module: ts.ModuleKind.CommonJS,
  types: [],
  lib: ['lib.es5.d.ts'],
};
const SOURCES = {
  // leaf ← middle ← top, through a type that is inferred; index hands the leaf on; apart imports none of them
  'leaf.ts': 'export const size = (n: number) => ({ n, twice: 2 * n });\n',
  'middle.ts': "import { size } from './leaf';\nexport const made = () => size(1);\n",
  'top.ts': "import { made } from './middle';\nexport const shown: number = made().twice;\n",
  'index.ts': "export * from './leaf';\n",
  'user.ts': "import { size } from './index';\nexport const used: number = size(2).n;\n",
  'apart.ts': 'export const apart = 1;\n',
};

describe('sourceChecker', function () {
  this.timeout(60_000);
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-checker-'));
    for (const [name, text] of Object.entries(SOURCES)) writeFileSync(join(folder, name), text);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A kernel's checker: each call looks at the files as they are, and tells which it checked and what was wrong. */
  const kernel = () => {
    const host = { typescript: ts, sourceErrors: [] } as unknown as CompilerHost;
    const check = sourceChecker(host, join(folder, 'cache'));
    return (names: readonly string[] = Object.keys(SOURCES)) => {
      const program = ts.createProgram(
        Object.keys(SOURCES).map((name) => join(folder, name)),
        options,
        undefined,
        host.program,
      );
      const checked: string[] = [];
      const watched: ts.Program = Object.create(program, {
        getSemanticDiagnostics: {
          value: (file: ts.SourceFile) => {
            checked.push(basename(file.fileName));
            return program.getSemanticDiagnostics(file);
          },
        },
      });
      const files = names.map((name) => {
        const file = program.getSourceFile(join(folder, name));
        assert.ok(file);
        return Object.assign(file, { version: file.text });
      });
      const [first] = files;
      assert.ok(first);
      const cell = Object.assign(ts.createSourceFile('cell.ts', '', ts.ScriptTarget.ES2022), {
        version: '',
      });
      host.before = host.program;
      check(new Proxy(watched, { get: (target, key) => Reflect.get(target, key) }), [
        cell,
        ...files,
      ]);
      host.program = program;
      const wrong = host.sourceErrors.map(({ file }) => basename(file?.fileName ?? ''));
      return { checked: checked.filter((name) => name !== 'cell.ts').sort(), wrong };
    };
  };
  const edit = (name: keyof typeof SOURCES, from: string, to: string) =>
    writeFileSync(join(folder, name), SOURCES[name].replace(from, to));
  const all = Object.keys(SOURCES).sort();

  it('checks each once, in this kernel and the next, whichever of them a cell imports', () => {
    const check = kernel();
    assert.deepEqual(check(), { checked: all, wrong: [] });
    assert.deepEqual(check(), { checked: [], wrong: [] });
    assert.deepEqual(check(['leaf.ts', 'apart.ts']), { checked: [], wrong: [] });
    assert.deepEqual(kernel()(), { checked: [], wrong: [] });
  });

  it('checks only what was edited when it looks the same from outside', () => {
    const check = kernel();
    check();
    edit('leaf.ts', '2 * n', '3 * n');
    assert.deepEqual(check(), { checked: ['leaf.ts'], wrong: [] });
  });

  it('checks all that an edit reaches, through inferred types and re-exports', () => {
    const check = kernel();
    check();
    edit('leaf.ts', 'twice: 2 * n', 'double: 2 * n');
    const reached = ['index.ts', 'leaf.ts', 'middle.ts', 'top.ts', 'user.ts'];
    assert.deepEqual(check(), { checked: reached, wrong: ['top.ts'] });
    assert.deepEqual(check(), { checked: ['top.ts'], wrong: ['top.ts'] }); // until it is right
    edit('leaf.ts', '2 * n', '4 * n');
    assert.deepEqual(check().wrong, []);
  });
});
