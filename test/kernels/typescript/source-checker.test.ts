/** No source is type-checked twice, and none goes unchecked that an edit may have made wrong. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import ts from '@tslab/typescript-for-tslab';
import { sourceChecker } from '../../../kernels/typescript/source-checker';
import { changedOutside } from '../../../kernels/typescript/source-graph';
import type { CompilerHost } from '../../../kernels/typescript/typescript-host';

const options: ts.CompilerOptions = {
  strict: true,
  declaration: true,
  outDir: 'out',
  module: ts.ModuleKind.CommonJS,
  types: [],
  skipLibCheck: true,
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

describe('sourceChecker', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-checker-'));
    for (const [name, text] of Object.entries(SOURCES)) writeFileSync(join(folder, name), text);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A kernel's checker: each call looks at the files as they are, and tells which it checked and what was wrong. */
  const kernel = (project = folder) => {
    const host = { typescript: ts, sourceErrors: [] } as unknown as CompilerHost;
    const check = sourceChecker(host, join(project, 'cache'));
    return (names: readonly string[] = Object.keys(SOURCES)) => {
      const program = ts.createProgram(
        Object.keys(SOURCES).map((name) => join(project, name)),
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
        const file = program.getSourceFile(join(project, name));
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

  it('remembers them in a copy of the project, wherever that is', () => {
    kernel()();
    const copy = join(folder, 'copies', 'a');
    mkdirSync(copy, { recursive: true });
    for (const name of [...all, 'cache'])
      cpSync(join(folder, name), join(copy, name), { recursive: true });
    assert.deepEqual(kernel(copy)(), { checked: [], wrong: [] });
    writeFileSync(join(copy, 'apart.ts'), 'export const apart = 2;\n');
    assert.equal(kernel(copy)().checked.length, all.length);
  });

  it('checks only what was edited when it looks the same from outside', () => {
    const check = kernel();
    check();
    edit('leaf.ts', '2 * n', '3 * n');
    assert.deepEqual(check(), { checked: ['leaf.ts'], wrong: [] });
  });

  it('checks nobody who takes other names than those that an edit changes', () => {
    const check = kernel();
    check();
    edit('leaf.ts', 'export', 'export const other = 1;\nexport');
    assert.deepEqual(check(), { checked: ['index.ts', 'leaf.ts'], wrong: [] }); // index has all of them
    edit('middle.ts', 'export', 'export const more = () => size(2);\nexport');
    assert.deepEqual(check(), { checked: ['middle.ts'], wrong: [] }); // top takes `made` alone
  });

  it('checks those who use a source that was wrong, when it is right and another', () => {
    const check = kernel();
    check();
    edit('leaf.ts', '2 * n', 'n.length');
    assert.deepEqual(check().wrong, ['leaf.ts']);
    edit('leaf.ts', '({ n, twice: 2 * n })', 'n');
    assert.deepEqual(check().wrong, ['top.ts', 'user.ts']);
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

describe('changedOutside', () => {
  const file = 'user.ts';
  /** A program of one source, and which files the compiler checked to the end before it emitted. */
  const programOf = (text: string) => {
    const host = ts.createCompilerHost(options);
    const { getSourceFile } = host;
    host.getSourceFile = (name, ...rest) =>
      name === file
        ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
        : getSourceFile(name, ...rest);
    const program = ts.createProgram([file], options, host);
    const checker = program.getTypeChecker() as unknown as {
      getEmitResolver(checked: ts.SourceFile): unknown;
    };
    const { getEmitResolver } = checker;
    const checked: string[] = [];
    checker.getEmitResolver = (source) => {
      checked.push(source.fileName);
      return getEmitResolver(source);
    };
    return { program, checked };
  };
  const compare = (before: string, now: string) => {
    const [old, renewed] = [programOf(before), programOf(now)];
    const source = renewed.program.getSourceFile(file);
    assert.ok(source);
    const names = changedOutside(ts, old.program, renewed.program, source);
    return { names, checked: [...old.checked, ...renewed.checked] };
  };
  const text = (body: string) =>
    `const twice = (x: number) => 2 * x;\nexport function f(x: number) { ${body} }\n`;
  const namesOf = (before: string, now: string) => {
    const { names } = compare(before, now);
    return names === 'all' ? names : [...names].sort();
  };

  it('sees an inferred type change, and not what only the inside of a function does', () => {
    assert.deepEqual(namesOf(text('return twice(x);'), text('return 3 + twice(x);')), []);
    assert.deepEqual(namesOf(text('return twice(x);'), text('return String(twice(x));')), ['f']);
  });

  it('names with a type all that mention it, and nothing else', () => {
    const source = (kind: string) => `interface Size { n: ${kind} }
export type Sizes = readonly Size[];
export class Box { sizes: Sizes = []; }
export const apart = 1;
export default class { size?: Size; }
`;
    const expected = ['Box', 'Size', 'Sizes', 'default'];
    assert.deepEqual(namesOf(source('number'), source('string')), expected);
  });

  it('has names that came, went, or are others under the same name', () => {
    const before = 'const a = 1;\nconst b = "b";\nexport { a as x, b as y, a as z };\n';
    const now = 'const a = 1;\nconst b = "b";\nexport { b as x, b as y, a as w };\n';
    assert.deepEqual(namesOf(before, now), ['w', 'x', 'z']);
  });

  it('cannot tell where more is declared than names of the source’s own', () => {
    const source = (type: string) => `export {};\ndeclare global { const everywhere: ${type}; }\n`;
    assert.equal(namesOf(source('number'), source('string')), 'all');
    assert.deepEqual(namesOf(source('number'), source('number')), []);
  });

  it('has no body checked for it', () => {
    const { checked } = compare(text('return twice(x);'), text('return twice(1 + x);'));
    assert.equal(checked.length, 2);
    for (const name of checked) assert.match(name, /\.d\.ts$/);
  });
});
