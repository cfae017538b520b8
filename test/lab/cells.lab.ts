/** What a person meets before and between the cells: the launcher, help while typing, an edited source. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeInLab } from './describe-in-lab';
import { type NotebookPage, screenshot } from './notebook-page';

describeInLab('cells in JupyterLab', (lab) => {
  let notebook: NotebookPage;

  it('has the kernel in the launcher, opens on the notebooks, and asks nothing', async () => {
    const page = await lab.openLauncher();
    const card = page.locator('.jp-LauncherCard[data-category="Notebook"]', {
      hasText: 'TypeScript',
    });
    await card.waitFor();
    await page.locator('.jp-DirListing-item', { hasText: '01-first-light' }).waitFor();
    await page.waitForLoadState('networkidle');
    await screenshot(page, 'launcher');
    assert.equal(await page.locator('.jp-Dialog, .Toastify__toast, .jp-toast-button').count(), 0);
    await page.close();
  });

  it('completes names, and explains them', async () => {
    const names = "import { dpoLoss, formatBytes, formatDuration, formatNumber } from '../src';";
    const cells = [names, 'formatNumber(1 / 3)', 'format', 'dpoLoss'];
    notebook = await lab.open(lab.write('cells.ipynb', cells));
    await notebook.run(0);
    const offered = await notebook.ask(2, 'Tab', '.jp-Completer-item');
    for (const name of ['formatBytes', 'formatDuration', 'formatNumber'])
      assert.ok(offered.includes(name), offered);
    await notebook.screenshot('completion');
    await notebook.page.keyboard.press('Escape');
    assert.match(
      await notebook.ask(3, 'Shift+Tab', '.jp-Tooltip'),
      /modelPred.*\[2B, H, W,\s+C\]/s,
    );
    await notebook.screenshot('help');
    await notebook.page.keyboard.press('Escape');
  });

  it('loads an edited source when its import is run again, and says so', async () => {
    assert.match(await notebook.run(1), /'0\.3333'/);
    const source = join(lab.folder, 'src/show/text.ts');
    const text = readFileSync(source, 'utf8');
    assert.ok(text.includes('value.toPrecision(digits)'));
    writeFileSync(source, text.replace('value.toPrecision(digits)', 'value.toPrecision(2)'));
    assert.match(
      await notebook.run(0),
      /Loaded again: src\/show\/text\.ts, with \d+ modules built on it\./,
    );
    assert.match(await notebook.run(1), /'0\.33'/);
    await notebook.screenshot('edited');
  });
});
