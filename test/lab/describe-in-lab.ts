/** Tests of what a person sees in JupyterLab: `npm run lab` in a copy of the project, a browser, and their end. */
import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { findChromium, NO_CHROMIUM, openChromium } from './chromium';
import { type LabServer, startLab } from './lab-server';
import { NotebookPage, screenshot } from './notebook-page';
import { copyProject } from './project-copy';

export class Lab {
  /** The copy of the project. */
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'dpo-lab-'));
  /** What pages asked for that is not on this machine. */
  readonly asked: string[] = [];
  #server: LabServer | undefined;
  #browser: Browser | undefined;
  #context: BrowserContext | undefined;

  async start(chromium: string): Promise<void> {
    copyProject(this.folder);
    // The setting in which the tests run the notebooks.
    const server = startLab(this.folder, { DPO_NOTEBOOK_BUDGET: 'small' });
    this.#browser = await openChromium(chromium, join(this.folder, '.browser'));
    this.#context = await this.newContext();
    this.#server = await server;
  }

  /** Of a browser that is new to all it is shown. */
  async newContext(options: { readonly offline?: boolean } = {}): Promise<BrowserContext> {
    if (this.#browser === undefined) throw new Error('The browser is not open yet.');
    const viewport = { width: 1300, height: 1000 };
    const context = await this.#browser.newContext({ viewport, ...options });
    context.setDefaultTimeout(120_000);
    context.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== '127.0.0.1') this.asked.push(request.url());
    });
    return context;
  }

  /** Opens a notebook of the copy, by its path in it, and waits for its kernel. */
  async open(path: string): Promise<NotebookPage> {
    if (!this.#server || !this.#context) throw new Error('JupyterLab is not up yet.');
    const { address } = this.#server;
    return NotebookPage.open(this.#context, { address, folder: this.folder }, path);
  }

  /** The page that `npm run lab` opens. */
  async openLauncher() {
    if (!this.#server || !this.#context) throw new Error('JupyterLab is not up yet.');
    const page = await this.#context.newPage();
    await page.goto(this.#server.address.href);
    return page;
  }

  /** Writes a notebook of code cells beside the others; returns its path in the copy. */
  write(name: string, cells: readonly string[]): string {
    const kernelspec = { name: 'typescript', display_name: '', language: 'typescript' };
    const notebook = {
      ...{ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec } },
      cells: cells.map((source, i) => ({
        ...{ cell_type: 'code', id: `cell-${i}`, metadata: {}, source },
        ...{ execution_count: null, outputs: [] },
      })),
    };
    writeFileSync(join(this.folder, 'notebooks', name), JSON.stringify(notebook));
    return `notebooks/${name}`;
  }

  /** What every page shows now. */
  async screenshots(name: string): Promise<void> {
    const pages = this.#browser?.contexts().flatMap((context) => context.pages()) ?? [];
    for (const [i, page] of pages.entries()) await screenshot(page, `${name}-${i}`);
  }

  async stop(): Promise<void> {
    try {
      await this.#browser?.close();
      if (this.#server) assert.equal(await this.#server.stop(), 0, 'Ctrl-C ends it well');
    } finally {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** A `describe` whose tests share one JupyterLab; where there is no browser, a sentence instead. */
export function describeInLab(title: string, tests: (lab: Lab) => void): void {
  const chromium = findChromium();
  if (chromium === undefined) {
    process.stdout.write(`Skipped, ${title}: ${NO_CHROMIUM}.\n`);
    return;
  }
  describe(title, function () {
    this.timeout(1_800_000);
    const lab = new Lab();
    before(() => lab.start(chromium));
    after(() => lab.stop());
    tests(lab);
    afterEach(async function () {
      if (this.currentTest?.state === 'failed') await lab.screenshots('failed');
      assert.deepEqual(lab.asked, [], 'asked of another machine');
    });
  });
}
