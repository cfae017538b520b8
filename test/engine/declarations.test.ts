import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '..', '..');

describe('the library, as a notebook imports it', () => {
  it('brings none of the hundreds of declaration files of tfjs', () => {
    const path = join(root, 'tsconfig.json');
    const { config } = ts.readConfigFile(path, ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const program = ts.createProgram([join(root, 'src', 'index.ts')], options);
    const files = program.getSourceFiles().map(({ fileName }) => fileName);
    assert.ok(files.some((file) => file.endsWith('src/engine/backend.ts')));
    assert.deepEqual(
      files.filter((file) => file.includes('/node_modules/@tensorflow/')),
      [],
    );
  });
});
