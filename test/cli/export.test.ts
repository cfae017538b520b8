/** `npm run export` as a person meets it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JSDOM } from 'jsdom';
import { inTemporaryFolder } from '../support/temporary';

const ROOT = join(__dirname, '..', '..');
const LESSON = join(ROOT, 'notebooks', '02-the-loss-step-by-step.ipynb');

function run(...args: readonly string[]) {
  const program = ['--import', 'tsx', join('src', 'cli', 'export.ts')];
  return spawnSync(process.execPath, [...program, ...args], { cwd: ROOT, encoding: 'utf8' });
}

describe('npm run export', () => {
  it('writes one page with the figures, text for each picture and links that lead to headings', () =>
    inTemporaryFolder(async (folder) => {
      const output = join(folder, 'new', 'page.html');
      const { status, stdout, stderr } = run(LESSON, output);
      assert.deepEqual([status, stderr], [0, '']);
      assert.ok(stdout.startsWith(`${output} (`));
      assert.ok(statSync(output).size <= 6e6, `${statSync(output).size} bytes`);
      const { document } = new JSDOM(readFileSync(output, 'utf8')).window;
      assert.equal(document.documentElement.lang, 'en');
      assert.equal(document.querySelectorAll('h1').length, 1);
      const figures = [...document.querySelectorAll<HTMLElement>('[data-figure]')];
      assert.ok(figures.length > 0 && document.querySelectorAll('script').length === 2);
      for (const figure of figures) assert.ok(figure.getAttribute('aria-label'));
      for (const image of document.querySelectorAll('img')) assert.ok(image.alt, image.outerHTML);
      for (const link of document.querySelectorAll('nav a'))
        assert.ok(document.getElementById(decodeURI(link.getAttribute('href')?.slice(1) ?? '')));
    }));

  it('leaves a page that exists alone unless it is forced', () =>
    inTemporaryFolder(async (folder) => {
      const output = join(folder, 'page.html');
      writeFileSync(output, 'mine');
      const refused = run(LESSON, output);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /page\.html exists; it is not overwritten\. .*--force/);
      assert.equal(readFileSync(output, 'utf8'), 'mine');
      assert.equal(run(LESSON, output, '--force').status, 0);
      assert.match(readFileSync(output, 'utf8'), /^<!doctype html>/);
    }));

  it('says in a sentence what cannot be read', () =>
    inTemporaryFolder(async (folder) => {
      const torn = join(folder, 'torn.ipynb');
      writeFileSync(torn, '{"nbformat": 4,');
      assert.match(
        run(torn).stderr,
        /^.*torn\.ipynb cannot be read as a notebook: it is no JSON: [^\n]*\n$/,
      );
      const { status, stderr } = run(join(folder, 'none.ipynb'));
      assert.equal(status, 1);
      assert.match(stderr, /^There is no notebook .*none\.ipynb\.\n$/);
    }));
});
