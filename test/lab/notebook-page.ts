/** A notebook open in JupyterLab's page, as a person uses it: keys, menus, toolbar, and what is to be seen. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { root } from './project-copy';

/** Screenshots of the last run of the tests. */
const SCREENSHOTS = join(root, 'runs', 'test-lab');

/** What a cell may take on a machine that has much else to do. */
const LIMIT_MS = 600_000;

const PANEL = '.jp-NotebookPanel:not(.lm-mod-hidden)';
/** An error's traceback, or what was printed as one. */
const ERROR = '[data-mime-type="application/vnd.jupyter.stderr"]';

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

export class NotebookPage {
  readonly page: Page;
  /** Where it is saved. */
  readonly file: string;

  constructor(page: Page, file: string) {
    this.page = page;
    this.file = file;
  }

  /** Opens a notebook below the folder that JupyterLab serves, and waits for its kernel. */
  static async open(
    context: BrowserContext,
    { address, folder }: { readonly address: URL; readonly folder: string },
    path: string,
  ): Promise<NotebookPage> {
    const opened = new NotebookPage(await context.newPage(), join(folder, path));
    const url = new URL(`/lab/tree/${path}?reset&${address.searchParams}`, address);
    await opened.page.goto(url.href);
    await opened.codeCells.first().waitFor();
    await opened.kernelIs('Idle');
    return opened;
  }

  /** Waits for a state of the kernel, as the status bar tells it. */
  async kernelIs(state: 'Idle' | 'Busy'): Promise<void> {
    const bar = this.page.locator('#jp-main-statusbar');
    await bar.getByText(new RegExp(`\\| ${state}$`)).waitFor({ timeout: LIMIT_MS });
  }

  get codeCells(): Locator {
    return this.page.locator(`${PANEL} .jp-CodeCell`);
  }

  get errors(): Locator {
    return this.page.locator(`${PANEL} ${ERROR}`);
  }

  /** What lies below the `i`th code cell, from 0. */
  outputs(i: number): Locator {
    return this.codeCells.nth(i).locator('.jp-OutputArea-output');
  }

  /** All that can be read below a code cell. */
  async text(i: number): Promise<string> {
    return (await this.outputs(i).allTextContents()).join('\n');
  }

  /** Ctrl+Enter in a code cell. */
  async start(i: number): Promise<void> {
    await this.codeCells.nth(i).locator('.cm-content').click();
    await this.page.keyboard.press('Control+Enter');
  }

  /** Runs a code cell; resolves to the text below it. */
  async run(i: number): Promise<string> {
    const before = await this.prompt(i);
    await this.start(i);
    await this.until(`a start of code cell ${i}`, async () => (await this.prompt(i)) !== before);
    return this.ended(i);
  }

  /** Waits for the end of a code cell that was started; resolves to the text below it. @throws Error where it failed */
  async ended(i: number): Promise<string> {
    await this.until(`the end of code cell ${i}`, async () => /\d/.test(await this.prompt(i)));
    await this.kernelIs('Idle');
    const text = await this.text(i);
    const failures = await this.codeCells.nth(i).locator(ERROR).count();
    if (failures > 0) throw new Error(`Code cell ${i} ended with\n${text}`);
    return text;
  }

  /** `[3]:` beside a code cell, `[*]:` while it runs. */
  async prompt(i: number): Promise<string> {
    return (await this.codeCells.nth(i).locator('.jp-InputPrompt').textContent()) ?? '';
  }

  /** Presses a key at the end of a code cell; resolves to the text of what comes up. */
  async ask(i: number, key: string, answer: string): Promise<string> {
    const shown = this.page.locator(answer);
    await this.until(`an answer to ${key} in code cell ${i}`, async () => {
      await this.codeCells.nth(i).locator('.cm-content').click();
      await this.page.keyboard.press('End');
      await this.page.keyboard.press(key);
      await setTimeout(2000); // JupyterLab itself waits a second, and asks no more
      return (await shown.count()) > 0;
    });
    return (await shown.allTextContents()).join('\n');
  }

  /** Waits until what can be read below a code cell matches; resolves to the match. */
  async shows(i: number, pattern: RegExp): Promise<RegExpExecArray> {
    const found = async () => pattern.exec(await this.text(i));
    await this.until(`${pattern} below code cell ${i}`, async () => (await found()) !== null);
    return (await found()) ?? this.shows(i, pattern); // replaced by something else meanwhile
  }

  /** Run All, to the end. @throws Error with the first error below a cell */
  async runAll(): Promise<void> {
    await this.menu('Run', 'Run All Cells');
    const prompts = this.codeCells.locator('.jp-InputPrompt');
    for (;;) {
      const [error] = await this.errors.allTextContents();
      if (error !== undefined) throw new Error(`A cell ended with\n${error}`);
      if ((await prompts.allTextContents()).every((prompt) => /\d/.test(prompt))) break;
      await setTimeout(500);
    }
    await this.kernelIs('Idle');
  }

  get figures(): Locator {
    return this.page.locator(`${PANEL} .jp-RenderedPlotly`);
  }

  /** Brings the mouse over the `i`th figure, which is a picture until then; resolves to plotly's drawing. */
  async drawn(i: number): Promise<Locator> {
    const figure = this.figures.nth(i);
    await figure.scrollIntoViewIfNeeded();
    await figure.hover();
    const drawing = figure.locator('.main-svg').first();
    await drawing.waitFor();
    return drawing;
  }

  async menu(menu: string, item: string): Promise<void> {
    await this.page.locator('.lm-MenuBar-item', { hasText: menu }).first().click();
    await this.page.locator('.lm-Menu-itemLabel').getByText(item, { exact: true }).click();
  }

  /** The toolbar's ■. */
  async interrupt(): Promise<void> {
    await this.page.locator(`${PANEL} [data-jp-item-name="interrupt"]`).click();
  }

  /** Ctrl+S, until the file is another. */
  async save(): Promise<void> {
    const stamp = () => statSync(this.file).mtimeMs;
    const before = stamp();
    await this.page.keyboard.press('Control+s');
    await this.until(`a save of ${this.file}`, async () => stamp() !== before);
  }

  /** F5. What is not saved is lost, as everywhere in JupyterLab. */
  async reload(): Promise<void> {
    this.page.once('dialog', (dialog) => dialog.accept());
    await this.page.reload();
    await this.codeCells.first().waitFor();
  }

  screenshot(name: string): Promise<void> {
    return screenshot(this.page, name);
  }

  /** Scrolls so far down, in screens; false when no cell is left to see there. */
  async scrollTo(screen: number): Promise<boolean> {
    const panel = this.page.locator(`${PANEL} .jp-WindowedPanel-outer`);
    const top = await panel.evaluate((box, screens) => {
      box.scrollTop = screens * box.clientHeight;
      return box.getBoundingClientRect().top;
    }, screen);
    await setTimeout(500); // what comes into view is drawn
    const last = await this.page.locator(`${PANEL} .jp-Cell`).last().boundingBox();
    return last !== null && last.y + last.height > top;
  }

  private async until(what: string, met: () => Promise<boolean>): Promise<void> {
    const last = Date.now() + LIMIT_MS;
    while (!(await met())) {
      if (Date.now() > last) throw new Error(`No sign of ${what} in ${LIMIT_MS / 1000} s.`);
      await setTimeout(100);
    }
  }
}
