/** What a commit of a notebook may hold: its own form, outputs of its own code, nothing about who made them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNotebook } from '../../src/cli/notebook-file';
import { committedForm } from '../../src/cli/notebook-form';
import { isCurrent } from '../../src/cli/notebook-seal';
import { privateHere, secretsIn } from '../../src/cli/notebook-secrets';
import { notebookText } from '../../src/cli/notebook-text';
import { codeCells, ROOT } from './runners';

const MOST_BYTES = 1_000_000;

/** The notebooks that are read on the web with what they show. The other one asks its reader, and has no outputs. */
const SHOWCASES: readonly string[] = [
  '01-first-light.ipynb',
  '02-the-loss-step-by-step.ipynb',
  '03-parity-ledger.ipynb',
  '04-train-a-model.ipynb',
  '05-load-a-real-model.ipynb',
  '06-did-it-get-better.ipynb',
  '08-what-a-step-costs.ipynb',
  'quick_samples.ipynb',
];

for (const file of readdirSync(join(ROOT, 'notebooks')).filter((name) => name.endsWith('.ipynb'))) {
  const path = join('notebooks', file);
  describe(path, () => {
    const notebook = readNotebook(join(ROOT, path));
    const text = readFileSync(join(ROOT, path), 'utf8');
    const code = codeCells(notebook);

    it('is in the form that is committed', () => {
      const isInForm = text === notebookText(committedForm(notebook));
      assert.ok(isInForm, `npm run notebook -- ${path} --format brings it there`);
    });

    it(`has at most ${MOST_BYTES / 1e6} MB`, () => {
      assert.ok(Buffer.byteLength(text) <= MOST_BYTES, `${Buffer.byteLength(text)} bytes`);
    });

    it('shows no path, name or token of who ran it', () => {
      assert.deepEqual(secretsIn(notebook, privateHere()), []);
    });

    if (SHOWCASES.includes(file))
      it('shows what its code makes, run from top to bottom', () => {
        const again = `npm run notebook -- ${path} --in-place makes its outputs again; commit them`;
        assert.ok(isCurrent(notebook), `The code or data/ is newer than the outputs: ${again}.`);
        const counts = code.map((cell) => cell.execution_count);
        assert.deepEqual(
          counts,
          [...code.keys()].map((i) => i + 1),
          again,
        );
      });
    else
      it('holds no outputs', () => {
        const bare = code.every(
          (cell) => cell.outputs.length === 0 && cell.execution_count === null,
        );
        assert.ok(bare, `add ${file} to SHOWCASES, or clear its outputs`);
      });
  });
}
