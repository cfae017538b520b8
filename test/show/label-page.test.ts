/** The page where pairs are labelled, in a browser, as a person uses it; where there is none, a sentence instead. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { readLabels } from '../../src/data';
import { findChromium, NO_CHROMIUM, openChromium } from '../lab/chromium';
import { type Desk, withServer } from '../support/label-desk';

const chromium = findChromium();

/** The answers so far, in words. */
const answers = (file: string) =>
  [...(readLabels(file).byLabeller.get('anna')?.values() ?? [])].map(({ pair, label_0 }) => {
    const [first, second] = pair.split('|');
    return label_0 === 0.5 ? `${first} = ${second}` : label_0 === 1 ? first : second;
  });

async function open(browser: Browser, address: string): Promise<Page> {
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

/** Waits until the page asks about a pair, or stands as told. */
const stands = (page: Page, state = 'asking') =>
  page.locator(`.dpo-label[data-state=${state}]`).waitFor();

const asksOf = (page: Page, prompt: string) =>
  page
    .locator('.dpo-label[data-state=asking]', { has: page.getByText(prompt, { exact: true }) })
    .waitFor();

const status = (page: Page) => page.locator('.dpo-label-status').textContent();

/** The grey of what stands on a side. */
const greyOf = (page: Page, side: 'left' | 'right') =>
  page.locator(`.dpo-label-${side} img`).evaluate((image: HTMLImageElement) => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    context?.drawImage(image, 0, 0);
    return context?.getImageData(0, 0, 1, 1).data[0];
  });

if (chromium === undefined) process.stdout.write(`Skipped, the page of labels: ${NO_CHROMIUM}.\n`);
else
  describe('the page of labels', () => {
    const home = mkdtempSync(join(tmpdir(), 'dpo-browser-'));
    let browser: Browser;
    before(async () => {
      browser = await openChromium(chromium, home);
    });
    after(async () => {
      await browser.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    });

    it('takes keys and clicks, undoes, survives a reload, and ends', () =>
      withServer(async ({ server, file }) => {
        const page = await open(browser, server.link());
        const said = (text: string) => page.getByText(text).waitFor();
        await stands(page);
        assert.doesNotMatch(page.url(), /#./, 'the ticket is not in the address any more');
        assert.match((await page.locator('.dpo-label-prompt').textContent()) ?? '', /^pair 0$/);

        const pressed: string[] = [];
        for (const key of ['ArrowLeft', 'ArrowRight'] as const) {
          const side = key === 'ArrowLeft' ? 'left' : 'right';
          const grey = (await greyOf(page, side)) ?? 0;
          pressed.push(`${Math.floor(grey / 2)}-${grey % 2 === 0 ? 'a' : 'b'}.png`);
          await page.keyboard.press(key);
          await said(`Kept: the ${side} one.`);
          await stands(page);
        }
        await page.keyboard.press('=');
        await said('Kept: no difference.');
        await stands(page);
        const kept = [...pressed, '2-a.png = 2-b.png'];
        assert.deepEqual(answers(file), kept);

        await page.keyboard.press('u');
        await said('Taken back.');
        await stands(page);
        await page.locator('.dpo-label-tie').click();
        await said('Kept: no difference.');
        await page.reload();
        await stands(page);
        assert.equal(await page.locator('.dpo-label-count').textContent(), '3 of 4');
        await page.locator('.dpo-label-right img').click();
        await said('All 4 pairs are answered.');
        assert.deepEqual(answers(file).slice(0, 3), kept);
        assert.match(answers(file)[3] ?? '', /^3-[ab]\.png$/);
        await page.keyboard.press('Enter');
        await said('Thank you. 4 of 4 pairs have an answer.');
        await server.finished;
      }));

    it('answers one pair for a key that is kept down', () =>
      withServer(async ({ server, session }) => {
        const page = await open(browser, server.link());
        await stands(page);
        for (let i = 0; i < 10; i++) await page.keyboard.down('ArrowUp'); // all but the first are repeats
        await page.keyboard.up('ArrowUp');
        await page.getByText('Kept: no difference.').waitFor();
        await stands(page);
        assert.equal(session.done, 1);
        await page.keyboard.press('Control+u');
        assert.equal(session.done, 1);
      }));

    it('says why it shows nothing: a used link, a picture that is gone, a program that ended', () =>
      withServer(async ({ server, file }: Desk) => {
        const link = server.link();
        const first = await open(browser, link);
        await stands(first);
        const second = await open(browser, link);
        await stands(second, 'refused');
        assert.match((await status(second)) ?? '', /^This link was used already/);
        const none = await open(browser, server.base);
        await stands(none, 'refused');
        assert.match((await status(none)) ?? '', /good once; take the newest one/);

        writeFileSync(join(file, '..', '2-a.png'), 'no picture');
        await asksOf(first, 'pair 0');
        await first.keyboard.press('=');
        await asksOf(first, 'pair 1');
        await first.keyboard.press('=');
        await first.getByText('pass over').click();
        await asksOf(first, 'pair 3');
        assert.equal(await status(first), 'Passed over.');
        await server.close();
        await first.keyboard.press('ArrowLeft');
        await first
          .getByText('The program that keeps the answers does not reply. Start it again')
          .waitFor();
      }));
  });
