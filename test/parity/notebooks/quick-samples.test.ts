/** quick_samples on models in the layout of the published ones: the way it takes with SDXL, with tiny random weights. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateImages } from '../../../src/diffusion';
import { disposePipeline, loadPipeline } from '../../../src/hub';
import { loadSelector } from '../../../src/scoring';
import { formatNumber } from '../../../src/show';
import { codeCells, ROOT, runHere, small } from '../../notebooks/runners';
import { inTemporaryFolder } from '../../support/temporary';

const fixture = (...names: readonly string[]) => join(ROOT, 'test', 'fixtures', ...names);

const PROMPTS = ['a cat', 'two cats of the house in blue'];
const own = {
  base: fixture('families', 'sdxl'),
  dpoUnet: fixture('families', 'sdxl'),
  scorer: fixture('scoring', 'tiny-clip'),
};

describe('quick_samples of an SDXL folder', () => {
  it('draws what generateImages draws with the numbers of SDXL, and shows its marks', () =>
    inTemporaryFolder(async (folder) => {
      const promptsFrom = join(folder, 'original.ipynb');
      const source = `example_prompts = ${JSON.stringify(PROMPTS)}`;
      writeFileSync(promptsFrom, JSON.stringify({ cells: [{ cell_type: 'code', source }] }));
      const path = join(ROOT, 'notebooks', 'quick_samples.ipynb');
      const notebook = await runHere(path, small(folder), [
        ['family', 'sdxl'],
        ['own', own],
        ['promptsFrom', promptsFrom],
        ['seed', 3],
      ]);
      const shown = JSON.stringify(codeCells(notebook).map(({ outputs }) => outputs));
      assert.match(shown, /The 2 prompts are those of/);
      assert.match(shown, /50, 5/);
      assert.doesNotMatch(shown, /embedded world, not|trained for/);

      const [pipeline, selector] = [await loadPipeline(own.base), await loadSelector(own.scorer)];
      const options = { seed: 3, guidanceScale: 5, numInferenceSteps: 50 };
      for (const prompt of PROMPTS) {
        const [image] = generateImages(pipeline, { prompt, ...options });
        const [mark = Number.NaN] = selector.score(image ? [image] : [], prompt);
        assert.ok(shown.includes(`base ${formatNumber(mark, 4)}`), `${prompt}: ${mark}`);
      }
      selector.dispose();
      disposePipeline(pipeline);
    }));
});
