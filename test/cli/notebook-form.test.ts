/** How a notebook is written, the form in which it is committed, and the seal on its outputs. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { placeToWrite } from '../../src/cli/given-notebook';
import { toCommit } from '../../src/cli/notebook-commit';
import {
  type CodeCell,
  type Json,
  type Notebook,
  type NotebookCell,
  readNotebook,
  writeNotebook,
} from '../../src/cli/notebook-file';
import { committedForm } from '../../src/cli/notebook-form';
import { isCurrent, madeFrom, sealed, unsealed } from '../../src/cli/notebook-seal';
import { notebookText } from '../../src/cli/notebook-text';
import { inTemporaryFolder } from '../support/temporary';

const code = (source: string, metadata: Json = {}): CodeCell => ({
  cell_type: 'code',
  id: 'c',
  metadata,
  source,
  execution_count: 1,
  outputs: [{ output_type: 'stream', name: 'stdout', text: 'one\ntwo' }],
});

const notebook = (cells: readonly NotebookCell[], metadata: Json = {}): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata,
  cells,
});

describe('notebookText', () => {
  it('has sorted keys, text by lines, and an indent of one space', () => {
    const text = notebookText(notebook([code('a\u2028b\r\nc')], { b: [], a: {} }));
    assert.deepEqual(text.split('\n').slice(0, 12), [
      '{',
      ' "cells": [',
      '  {',
      '   "cell_type": "code",',
      '   "execution_count": 1,',
      '   "id": "c",',
      '   "metadata": {},',
      '   "outputs": [',
      '    {',
      '     "name": "stdout",',
      '     "output_type": "stream",',
      '     "text": [',
    ]);
    assert.match(text, /"source": \[\n {4}"a\u2028",\n {4}"b\\r\\n",\n {4}"c"\n {3}\]/);
    assert.match(text, /"metadata": \{\n {2}"a": \{\},\n {2}"b": \[\]\n \},\n "nbformat": 4,/);
    assert.ok(text.endsWith('"nbformat_minor": 5\n}\n'));
  });

  it('writes numbers as Python does', () => {
    // python3 -c 'import json; print(json.dumps([1e-7, 2.5e-5, 1e-4, 1e21, 3.0, -1.5e-10, 1e-100]))'
    const numbers = [1e-7, 2.5e-5, 1e-4, 1e21, 3, -1.5e-10, 1e-100];
    const [, line = ''] = notebookText(notebook([], { x: numbers })).split(/"x": (\[[^\]]*\])/);
    const expected = '[1e-07,2.5e-05,0.0001,1e+21,3,-1.5e-10,1e-100]';
    assert.equal(line.replace(/\s/g, ''), expected);
  });
});

describe('committedForm', () => {
  it('keeps what a person wrote and drops what programs add', () => {
    const tags = ['parameters'];
    const cell = code('1', { tags, execution: { 'iopub.execute_input': 'then' }, scrolled: true });
    const prose: NotebookCell = {
      ...{ cell_type: 'markdown', id: 'm', metadata: { editable: true }, source: 'as it is' },
      attachments: { 'a.png': {} },
    };
    const metadata = {
      title: 'A lesson',
      kernelspec: { name: 'other', env: {} },
      language_info: { name: 'typescript', version: '5.0.4', codemirror_mode: {} },
      widgets: {},
    };
    const committed = committedForm({ ...notebook([prose, cell], metadata), nbformat_minor: 4 });
    assert.deepEqual(committed, {
      ...notebook([{ ...prose, metadata: {} }, code('1', { tags })]),
      metadata: {
        title: 'A lesson',
        kernelspec: {
          display_name: 'TypeScript (Diffusion-DPO)',
          language: 'typescript',
          name: 'typescript',
        },
        language_info: { file_extension: '.ts', mimetype: 'text/typescript', name: 'typescript' },
      },
    });
    assert.deepEqual(committedForm(committed), committed);
  });
});

describe('the seal of a notebook', () => {
  const [first, second] = [code('let a = 1;'), code('a')];
  const lesson = sealed(notebook([first, second]));
  const prose: NotebookCell = { cell_type: 'markdown', id: 'm', metadata: {}, source: 'new' };

  it('holds while prose and outputs change, and survives the committed form', () => {
    assert.ok(isCurrent(lesson));
    assert.ok(isCurrent(committedForm({ ...lesson, cells: [first, prose, second] })));
    assert.ok(
      isCurrent({ ...lesson, cells: [first, { ...second, execution_count: 9, outputs: [] }] }),
    );
  });

  it('breaks with any change of code or of its order, and with the data', () => {
    for (const cells of [[code('let a = 2;'), second], [second, first], [first]])
      assert.ok(!isCurrent({ ...lesson, cells }));
    assert.ok(!isCurrent(notebook([code('let a = 1;a')], lesson.metadata)), 'cells joined');
    assert.ok(!isCurrent(unsealed(lesson)));
    const card = (hash: string) => `| unet/config.json | 812 | \`${hash}\` |`;
    assert.notEqual(
      madeFrom(lesson, card('0'.repeat(64))),
      madeFrom(lesson, card(`${'0'.repeat(63)}1`)),
    );
    assert.equal(madeFrom(lesson, card('0'.repeat(64))), madeFrom(lesson, '0'.repeat(64)));
  });
});

describe('toCommit', () => {
  const ran = sealed(notebook([code("'see /srv/runs'", { execution: {} })]));
  const machine = { folders: [], names: [] };

  it('seals only what ran whole and in the setting that is shown', () => {
    const whole = toCommit({ notebook: unsealed(ran), status: 'done' }, { machine });
    assert.deepEqual(whole, { notebook: committedForm(ran), warnings: [] });
    const failed = toCommit({ notebook: ran, status: 'failed' }, { machine });
    assert.ok(!isCurrent(failed.notebook));
    const small = toCommit({ notebook: ran, status: 'done' }, { machine, budget: 'small' });
    assert.ok(!isCurrent(small.notebook));
    assert.match(small.warnings.join(), /DPO_NOTEBOOK_BUDGET=small/);
  });

  it('names the files of the clone as from its own folder', () => {
    const root = resolve(__dirname, '..', '..');
    const outputs = [
      { output_type: 'stream', name: 'stdout', text: `in ${root}/runs/a and ${root}-b/c\n` },
      { output_type: 'display_data', data: { 'text/plain': `${root}/x` }, metadata: {} },
    ] as const;
    const ran = notebook([{ ...code('1'), outputs }]);
    const committed = toCommit({ notebook: ran, status: 'done' }, { machine }).notebook;
    const [cell] = committed.cells;
    assert.ok(cell?.cell_type === 'code');
    assert.deepEqual(cell.outputs, [
      { ...outputs[0], text: `in runs/a and ${root}-b/c\n` },
      { ...outputs[1], data: { 'text/plain': 'x' } },
    ]);
  });

  it('warns of what an output tells', () => {
    const outputs = [{ output_type: 'stream', name: 'stdout', text: 'in /srv/runs' } as const];
    const seen = { ...ran, cells: [{ ...code('1'), outputs }] };
    const { warnings } = toCommit({ notebook: seen, status: 'done' }, { machine });
    assert.match(warnings.join(), /^An output of cell c shows an absolute path: \/srv\/runs$/);
  });
});

describe('placeToWrite', () => {
  it('is the notebook, or beside it where another program has saved it meanwhile', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'a.ipynb');
      writeNotebook(path, notebook([code('1')]));
      const before = readNotebook(path);
      assert.equal(placeToWrite(path, before), path);
      writeNotebook(path, notebook([code('2')]));
      assert.equal(placeToWrite(path, before), join(folder, 'a-executed.ipynb'));
    }));
});
