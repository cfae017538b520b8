/** `npm run test:notebooks`: every notebook in its small setting, by our runner and by Jupyter's own client. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Notebook, readNotebook } from '../../src/cli/notebook-file';
import { inTemporaryFolder } from '../support/temporary';
import { codeCells, differing, formsOf, ROOT, runHere, runInJupyter, small } from './runners';

const FOLDER = join(ROOT, 'notebooks');

/** The cells that show what a clock or the system measured: of these only the forms of the outputs can be the same. */
const MEASURING: Readonly<Record<string, readonly string[]>> = {
  '01-first-light.ipynb': ['light-18'],
  '04-train-a-model.ipynb': ['train-05', 'train-09', 'train-12', 'train-26'],
  '05-load-a-real-model.ipynb': ['load-28'],
  '06-did-it-get-better.ipynb': ['better-03', 'better-05'],
  '07-your-own-preferences.ipynb': ['own-03', 'own-18', 'own-21', 'own-26'],
  '08-what-a-step-costs.ipynb': [
    ...['cost-05', 'cost-06', 'cost-10', 'cost-12', 'cost-14', 'cost-15'],
    ...['cost-19', 'cost-20', 'cost-22', 'cost-24'],
  ],
};

function assertSame(here: Notebook, there: Notebook, measuring: readonly string[]): void {
  const others = differing(here, there).filter((id) => !measuring.includes(id));
  assert.deepEqual(others, [], 'these cells show something else');
  const forms = (notebook: Notebook) => codeCells(notebook).map(formsOf);
  assert.deepEqual(forms(here), forms(there));
}

describe('both runners show the same of', function () {
  this.timeout(1_800_000);

  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.ipynb')))
    it(name, async () => {
      const path = join(FOLDER, name);
      const [here, there] = await inTemporaryFolder(async (folder) => {
        const ours = await runHere(path, small(folder));
        rmSync(folder, { recursive: true }); // outputs name files there: the other begins in the same empty place
        const copy = await runInJupyter(path, folder, small(folder));
        return [ours, readNotebook(copy)];
      });
      assertSame(here, there, MEASURING[name] ?? []);
    });
});
