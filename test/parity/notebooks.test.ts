/** `npm run test:notebooks`: every notebook in its small setting, by our runner and by Jupyter's own client. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readNotebook } from '../../src/cli/notebook-file';
import { ROOT, runHere, runInJupyter, small, timeless } from '../notebooks/runners';
import { inTemporaryFolder } from '../support/temporary';

const FOLDER = join(ROOT, 'notebooks');

describe('both runners show the same of', function () {
  this.timeout(1_800_000);

  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.ipynb')))
    it(name, async () => {
      const path = join(FOLDER, name);
      const here = await inTemporaryFolder((folder) => runHere(path, small(folder)));
      const there = await inTemporaryFolder(async (folder) =>
        readNotebook(await runInJupyter(path, folder, small(folder))),
      );
      assert.equal(timeless(here), timeless(there));
    });
});
