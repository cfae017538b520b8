/** What every lesson keeps to: one idea a cell, prose before code, imports once. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readNotebook } from '../../src/cli/notebook-file';

const FOLDER = join(__dirname, '..', '..', 'notebooks');
const MOST_LINES = 15;
const MOST_CODE_IN_A_ROW = 3;

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.ipynb'))) {
  describe(`notebooks/${file}`, () => {
    const notebook = readNotebook(join(FOLDER, file));
    const { cells } = notebook;
    const code = cells.filter((cell) => cell.cell_type === 'code');

    it('is for the TypeScript kernel', () => {
      const { name } = notebook.metadata.kernelspec as { readonly name: string };
      assert.equal(name, 'typescript');
    });

    it(`has no code cell over ${MOST_LINES} lines`, () => {
      for (const { id, source } of code) {
        const count = source.trimEnd().split('\n').length;
        assert.ok(count <= MOST_LINES, `cell ${id} has ${count} lines`);
      }
    });

    it('opens with a title, and prose comes before code', () => {
      assert.match(cells[0]?.source ?? '', /^# /);
      let inARow = 0;
      for (const { cell_type, id } of cells) {
        inARow = cell_type === 'code' ? inARow + 1 : 0;
        assert.ok(inARow <= MOST_CODE_IN_A_ROW, `cell ${id} is far from the prose it belongs to`);
      }
    });

    it('imports in its first code cell only, and from the library', () => {
      assert.match(code[0]?.source ?? '', /from '\.\.\/src';/);
      for (const { id, source } of code.slice(1)) {
        assert.doesNotMatch(source, /^import /m, `cell ${id} imports`);
      }
    });

    it('keeps no error', () => {
      const outputs = code.flatMap((cell) => cell.outputs);
      assert.ok(outputs.every(({ output_type }) => output_type !== 'error'));
    });

    it('has an id of its own for each cell', () => {
      assert.equal(new Set(cells.map(({ id }) => id)).size, cells.length);
    });
  });
}
