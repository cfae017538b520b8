/**
 * The notebooks, from top to bottom through the real kernel, in the small setting. 02 is run in runners.test.ts;
 * `npm run test:notebooks` runs all of them in Jupyter's own client as well.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parityLedger } from '../../src/training/parity';
import { inTemporaryFolder } from '../support/temporary';
import { codeCells, ROOT, runHere, small } from './runners';

async function run(name: string) {
  return inTemporaryFolder(async (folder) => {
    const notebook = await runHere(join(ROOT, 'notebooks', name), small(folder));
    const code = codeCells(notebook);
    assert.deepEqual(
      code.map((cell) => cell.execution_count),
      code.map((_, i) => i + 1),
    );
    return code.flatMap((cell) => cell.outputs);
  });
}

type Outputs = Awaited<ReturnType<typeof run>>;

const plainText = (outputs: Outputs) =>
  outputs
    .map((output) => {
      if ('data' in output) return String(output.data['text/plain']);
      return 'text' in output ? output.text : '';
    })
    .join('\n');

/** Statements that were checked and hold. */
const ticks = (outputs: Outputs) => plainText(outputs).split('✓').length - 1;

describe('the notebooks', function () {
  this.timeout(600_000);

  it('01-first-light runs, with pictures, a figure and a win rate', async () => {
    const outputs = await run('01-first-light.ipynb');
    const types = new Set(outputs.flatMap((o) => ('data' in o ? Object.keys(o.data) : [])));
    assert.ok(types.has('image/png') && types.has('application/vnd.plotly.v1+json'));
    assert.match(JSON.stringify(outputs), /n = \d+/);
  });

  it('03-parity-ledger runs, every check holds, and every switch has its row in the summary', async () => {
    const outputs = await run('03-parity-ledger.ipynb');
    assert.ok(ticks(outputs) >= 40, `${ticks(outputs)} ticks`);
    const [remarks, summary] = outputs.slice(-2).map((output) => plainText([output]));
    assert.match(remarks ?? '', /^perturbationOrder +error on losers 2\.\d+ \(A\), 0\.\d+ \(B\)$/m);
    assert.match(summary ?? '', /^epochEnd +step +carry on +0\.346574 +0\.693147 +0\.5 +step 3$/m);
    for (const name of Object.keys(parityLedger))
      assert.match(summary ?? '', new RegExp(`^${name} `, 'm'));
  });

  it('04-train-a-model runs: stopped, gone on with, compared, drawn', async () => {
    const outputs = await run('04-train-a-model.ipynb');
    assert.ok(ticks(outputs) >= 13, `${ticks(outputs)} ticks`);
    const shown = plainText(outputs);
    assert.match(shown, /Going on after step 3 of .*checkpoint-3/);
    assert.match(shown, /✓ 6 steps, none missing, none twice/);
    assert.match(shown, /^dspo: 36 points/m);
    assert.equal(shown.match(/\(\d+\.\d–\d+\.\d, n = 4\)/g)?.length, 4);
  });

  it('quick_samples says that it is the world, draws pairs from one seed, and counts wins', async () => {
    const [said, ...outputs] = await run('quick_samples.ipynb');
    assert.match(said ? plainText([said]) : '', /^stable-diffusion-v1-5.* not in the cache/);
    assert.match(said ? plainText([said]) : '', /So this is the embedded world, not "sd15"/);
    const shown = plainText(outputs);
    assert.equal(
      shown.match(/^2\. DPO -?\d/gm)?.length,
      4 + 1,
      'each prompt, and the largest loss',
    );
    assert.match(shown, /DPO beats base +\d+\.\d % \(\d+\.\d–\d+\.\d, n = 4\)/);
    assert.ok(ticks(outputs) >= 2);
  });

  it('05-load-a-real-model runs: name, cache, parts, samplers, one file, adapter', async () => {
    const outputs = await run('05-load-a-real-model.ipynb');
    assert.ok(ticks(outputs) >= 17, `${ticks(outputs)} ticks`);
    const shown = plainText(outputs);
    assert.match(shown, /^someone\/else is not in the cache \(CACHE\), and the network is off/m);
    assert.match(shown, /✓ numbers: \[3,708,356, 835,047, 146,176\]/);
    assert.match(shown, /^drawing 4\/4 · /m);
  });

  it('06-did-it-get-better runs: who wins, how sure that is, and two rewards hacked', async () => {
    const outputs = await run('06-did-it-get-better.ipynb');
    assert.ok(ticks(outputs) >= 14, `${ticks(outputs)} ticks`);
    const shown = plainText(outputs);
    assert.match(
      shown,
      /^judge +\d+\.\d % \(\d+\.\d–\d+\.\d, n = 10\).* won, \d+ lost, \d+ tied$/m,
    );
    assert.match(shown, /^judge: n = 10 prompts tell a win rate to ±31\.0 points at best\.$/m);
  });

  it('07-your-own-preferences runs: asks over HTTP, trains on the answers, asks again', async () => {
    const outputs = await run('07-your-own-preferences.ipynb');
    assert.ok(ticks(outputs) >= 11, `${ticks(outputs)} ticks`);
    const shown = plainText(outputs);
    for (const [count, who] of [
      [6, 'me'],
      [6, 'me again'],
      [4, 'me'],
    ] as const)
      assert.match(
        shown,
        new RegExp(`^${count} of ${count} pairs answered by ${who}, kept in `, 'm'),
      );
    assert.match(shown, /^kept \d of 6, \d ties?$/m);
    assert.equal(shown.match(/n = 4\)/g)?.length, 2, 'what the person says and what the judge');
    assert.doesNotMatch(shown, /127\.0\.0\.1/, 'a link is kept');
  });

  it('08-what-a-step-costs runs, and leaves no tensor behind', async () => {
    const outputs = await run('08-what-a-step-costs.ipynb');
    assert.match(JSON.stringify(outputs), /✓ tensors that the steps left behind: 0/);
  });
});
