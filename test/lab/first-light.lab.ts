/** The showcase notebook from its first cell to its report, in the small setting. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeInLab } from './describe-in-lab';
import { type NotebookPage, screenshot } from './notebook-page';

describeInLab('01-first-light in JupyterLab', (lab) => {
  const path = 'notebooks/01-first-light.ipynb';
  let notebook: NotebookPage;

  it('runs to its end by Run All, without an error', async () => {
    notebook = await lab.open(path);
    await notebook.runAll();
    const prompts = await notebook.codeCells.locator('.jp-InputPrompt').allTextContents();
    assert.deepEqual(
      prompts,
      prompts.map((_, i) => `[${i + 1}]:`),
    );
    assert.equal(await notebook.errors.count(), 0);
  });

  it('has pictures and figures in place when scrolled through', async () => {
    for (let screen = 0; await notebook.scrollTo(screen); screen++)
      await notebook.screenshot(`first-light-${String(screen).padStart(2, '0')}`);
    const pictures = notebook.page.locator('.jp-OutputArea-output img');
    const widths = await pictures.evaluateAll((all) =>
      all.map((picture) => (picture as unknown as { naturalWidth: number }).naturalWidth),
    );
    assert.ok(widths.length > 20, `${widths.length} pictures`);
    assert.ok(widths.every((width) => width > 0));
  });

  it('draws its figures by plotly when the mouse comes, without a network', async () => {
    const count = await notebook.figures.count();
    assert.ok(count >= 2, `${count} figures`);
    for (let i = 0; i < count; i++) {
      const drawing = await notebook.drawn(i);
      assert.ok((await drawing.locator('.scatterlayer .trace').count()) > 0, `figure ${i}`);
      await notebook.screenshot(`first-light-figure-${i}`);
    }
    await notebook.save();
  });

  it('is exported as a page that needs no network and whose figures answer the mouse', async () => {
    const report = join(lab.folder, 'report.html');
    const program = ['--import', 'tsx', 'src/cli/export.ts', path, report];
    execFileSync(process.execPath, program, { cwd: lab.folder });
    const page = await (await lab.newContext({ offline: true })).newPage();
    await page.goto(pathToFileURL(report).href);
    await screenshot(page, 'report-top');
    const figures = page.locator('.js-plotly-plot');
    assert.equal(await figures.count(), await notebook.figures.count());
    for (let i = 0; i < (await figures.count()); i++) {
      const plane = figures.nth(i).locator('.nsewdrag').first();
      await plane.scrollIntoViewIfNeeded();
      const { width = 0, height = 0 } = (await plane.boundingBox()) ?? {};
      await plane.hover({ position: { x: width - 2, y: height / 2 } }); // the last step is there
      const shown = figures.nth(i).locator('.hoverlayer text').first();
      await shown.waitFor();
      assert.match((await shown.textContent()) ?? '', /\d/);
      await screenshot(page, `report-figure-${i}`);
    }
  });
});
