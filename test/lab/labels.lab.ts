/** Labelling in an output of a notebook: keys, mouse, a reload of the page, ■, and what the cell goes on with. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listOfPairs } from '../support/own-pairs';
import { describeInLab } from './describe-in-lab';
import type { NotebookPage } from './notebook-page';

const IMPORT = "import { labelPairs } from '../src';";
const LABEL = `const { byLabeller } = await labelPairs('../pairs/pairs.jsonl', { labeller: 'anna' });
[...byLabeller.get('anna')?.values() ?? []].map(({ label_0 }) => label_0).length`;

describeInLab('labelling in JupyterLab', (lab) => {
  let notebook: NotebookPage;
  const widget = () => notebook.outputs(1).locator('.dpo-label');
  const stands = (state = 'asking') =>
    notebook.outputs(1).locator(`.dpo-label[data-state=${state}]`).waitFor();
  const said = (text: string) => notebook.outputs(1).getByText(text).waitFor();
  const file = () => readFileSync(join(lab.folder, 'pairs', 'labels.jsonl'), 'utf8').split('\n');

  it('asks below the cell, and hears keys and mouse, which JupyterLab does not', async () => {
    await listOfPairs(join(lab.folder, 'pairs'), 5);
    notebook = await lab.open(lab.write('labels.ipynb', [IMPORT, LABEL, "'below'"]));
    await notebook.run(0);
    await notebook.start(1);
    await stands();
    await notebook.screenshot('labels');
    await widget().locator('.dpo-label-tie').click();
    await said('Kept: no difference.');
    await stands();
    for (const [key, text] of [
      ['ArrowLeft', 'the left one'],
      ['ArrowUp', 'no difference'],
      ['u', undefined],
      ['ArrowRight', 'the right one'],
    ] as const) {
      await notebook.page.keyboard.press(key);
      await said(text === undefined ? 'Taken back.' : `Kept: ${text}.`);
      await stands();
    }
    assert.equal(await notebook.codeCells.count(), 3, 'no key did anything to the notebook');
    assert.match(await notebook.prompt(1), /\*/);
    assert.equal(file().length, 6);
  });

  it('goes on after the page was loaded anew, in the same session', async () => {
    await notebook.save();
    await notebook.reload();
    await notebook.kernelIs('Busy');
    await stands();
    await said('3 of 5');
    await notebook.screenshot('labels-reloaded');
    await widget().locator('.dpo-label-left img').click();
    await said('4 of 5');
    assert.equal(file().length, 7);
  });

  it('is stopped by ■ with what was answered, and goes on when the cell is run again', async () => {
    await notebook.interrupt();
    await notebook.kernelIs('Idle');
    await widget().locator('.dpo-label-tie').click();
    await said('The kernel does not reply. Run the cell again: it goes on where it was.');
    await notebook.start(1);
    await stands();
    await said('4 of 5');
    await widget().locator('.dpo-label-right').click();
    await said('All 5 pairs are answered.');
    await notebook.screenshot('labels-answered');
    await widget().locator('.dpo-label-finish').click();
    const text = await notebook.ended(1);
    assert.match(text, /5 of 5 pairs answered by anna, kept in /);
    assert.match(text, /^5$/m);
    assert.equal(await widget().count(), 0, 'no link is left in the notebook');
    await notebook.screenshot('labels-ended');
  });
});
