import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CellOutputs } from '../../src/cli/cell-outputs';
import { readNotebook, writeNotebook } from '../../src/cli/notebook-file';
import { inTemporaryFolder } from '../support/temporary';

const show = (text: string, displayId?: string) => ({
  data: { 'text/plain': text },
  metadata: {},
  transient: displayId === undefined ? {} : { display_id: displayId },
});
const texts = (outputs: CellOutputs, cell: number) =>
  outputs.of(cell).map((o) => ('data' in o ? o.data['text/plain'] : 'text' in o ? o.text : ''));

describe('CellOutputs', () => {
  it('joins what is printed in pieces, and keeps the streams apart', () => {
    const outputs = new CellOutputs();
    outputs.start(0);
    outputs.receive(0, 'stream', { name: 'stdout', text: 'a\n' });
    outputs.receive(0, 'stream', { name: 'stdout', text: 'b\n' });
    outputs.receive(0, 'stream', { name: 'stderr', text: 'c\n' });
    assert.deepEqual(texts(outputs, 0), ['a\nb\n', 'c\n']);
  });

  it('replaces a display where it stands, in an earlier cell too', () => {
    const outputs = new CellOutputs();
    outputs.start(0);
    outputs.receive(0, 'display_data', show('step 1', 'live'));
    outputs.receive(0, 'display_data', show('other'));
    outputs.start(1);
    outputs.receive(1, 'update_display_data', show('step 9', 'live'));
    assert.deepEqual(texts(outputs, 0), ['step 9', 'other']);
    assert.deepEqual(texts(outputs, 1), []);
  });

  it('replaces a display by a new one of its id too', () => {
    const outputs = new CellOutputs();
    outputs.start(0);
    outputs.receive(0, 'display_data', show('first', 'live'));
    outputs.receive(0, 'display_data', show('second', 'live'));
    assert.deepEqual(texts(outputs, 0), ['second', 'second']);
  });

  it('keeps of a line that was drawn over itself the last state, and line ends of Windows', () => {
    const outputs = new CellOutputs();
    outputs.start(0);
    for (const text of ['begun\n1 of 2', '\r2 of', ' 2\r\n', 'next\r'])
      outputs.receive(0, 'stream', { name: 'stdout', text });
    assert.deepEqual(texts(outputs, 0), ['begun\n2 of 2\r\nnext\r']);
    outputs.receive(0, 'stream', { name: 'stdout', text: 'last' });
    assert.deepEqual(texts(outputs, 0), ['begun\n2 of 2\r\nlast']);
  });

  it('clears now, or when the next output comes', () => {
    const outputs = new CellOutputs();
    outputs.start(0);
    outputs.receive(0, 'display_data', show('old'));
    outputs.receive(0, 'clear_output', { wait: true });
    assert.deepEqual(texts(outputs, 0), ['old']);
    outputs.receive(0, 'display_data', show('new'));
    assert.deepEqual(texts(outputs, 0), ['new']);
    outputs.receive(0, 'clear_output', { wait: false });
    assert.deepEqual(texts(outputs, 0), []);
  });

  it('keeps an error and ignores what is no output', () => {
    const outputs = new CellOutputs();
    outputs.start(0);
    outputs.receive(0, 'execute_input', { code: 'x' });
    outputs.receive(0, 'error', { ename: 'E', evalue: 'v', traceback: ['t'] });
    const expected = { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['t'] };
    assert.deepEqual(outputs.of(0), [expected]);
  });
});

describe('writeNotebook', () => {
  it('writes text by lines, as Jupyter does, and reads it back', async () => {
    await inTemporaryFolder(async (folder) => {
      const path = join(folder, 'a.ipynb');
      const source = ['const a = 1;\n', 'a'];
      const text = ['one\n', 'two\n'];
      const cells = [
        {
          cell_type: 'code',
          id: 'x',
          metadata: {},
          source,
          execution_count: 1,
          outputs: [
            { output_type: 'stream', name: 'stdout', text },
            {
              output_type: 'display_data',
              data: { 'text/plain': text, 'image/png': 'AA' },
              metadata: {},
            },
          ],
        },
      ];
      const file = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
      writeFileSync(path, JSON.stringify(file));
      const notebook = readNotebook(path);
      assert.equal(notebook.cells[0]?.source, 'const a = 1;\na');
      writeNotebook(path, notebook);
      assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), file);
    });
  });

  it('refuses what is no notebook', async () => {
    await inTemporaryFolder(async (folder) => {
      const path = join(folder, 'a.ipynb');
      writeFileSync(path, '{"nbformat": 3}');
      assert.throws(() => readNotebook(path), /is no notebook of format 4/);
    });
  });
});
