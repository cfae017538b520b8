import assert from 'node:assert/strict';
import { JSDOM } from 'jsdom';
import { sanitizeHtml } from '../../src/cli/report-html';
import type { RgbImage } from '../../src/data/image';
import { Parameters, tensorCount } from '../../src/engine';
import { blindAB, compare, DISPLAY, type Displayable, relativeChange, table } from '../../src/show';

const picture = (level: number, side = 2): RgbImage => ({
  width: side,
  height: side,
  data: new Uint8Array(side * side * 3).fill(level),
});

/** A page that shows the values and runs their scripts. */
async function page(...values: readonly Displayable[]): Promise<JSDOM> {
  const bundles = await Promise.all(values.map((value) => value[DISPLAY]()));
  const html = bundles.map((bundle) => String(bundle['text/html'])).join('');
  return new JSDOM(html, {
    runScripts: 'dangerously',
    beforeParse: (window) => {
      window.URL.createObjectURL = () => 'blob:answers';
    },
  });
}

describe('a table in a page', () => {
  const rows = [
    { name: 'b', value: 1e-7 },
    { name: 'a', value: 12000 },
    { name: 'c', value: undefined },
    { name: 'd', value: 9 },
  ];
  const first = (dom: JSDOM) =>
    [...dom.window.document.querySelectorAll('tbody tr')].map(
      (row) => row.children[0]?.textContent,
    );

  it('is sorted by a click on a heading, by value, and the other way round by the next', async () => {
    const dom = await page(table(rows), table(rows));
    const [name, value] = dom.window.document.querySelectorAll('th');
    value?.click();
    assert.deepEqual(first(dom).slice(0, 4), ['b', 'd', 'a', 'c']);
    value?.click();
    assert.deepEqual(first(dom).slice(0, 4), ['a', 'd', 'b', 'c']); // what is empty stays last
    assert.equal(value?.textContent, 'value ▼');
    name?.click();
    assert.deepEqual(first(dom).slice(0, 4), ['a', 'b', 'c', 'd']);
    assert.equal(value?.textContent, 'value');
    assert.deepEqual(first(dom).slice(4), ['b', 'a', 'c', 'd']); // the other table is another
  });

  it('can be read without scripts, and stays small', async () => {
    const { 'text/html': html } = await table(rows)[DISPLAY]();
    assert.doesNotMatch(sanitizeHtml(String(html)), /script|sort\(/);
    assert.match(sanitizeHtml(String(html)), /12,000/);
    const many = Array.from({ length: 20_000 }, (_, i) => ({ i, text: 'word '.repeat(10) }));
    const bundle = await table(many)[DISPLAY]();
    assert.ok(JSON.stringify(bundle).length < 200_000);
    assert.match(String(bundle['text/plain']), /500 of 20000 rows$/);
  });
});

describe('compare', () => {
  it('lays one picture over the other, without a script', async () => {
    const shown = compare(picture(0), picture(255), {
      labels: ['base', '<DPO>'],
      caption: 'a star',
    });
    const { 'text/html': html, 'text/plain': text } = await shown[DISPLAY]();
    assert.doesNotMatch(String(html), /<script|<DPO>|onclick/);
    assert.equal(String(html).match(/grid-row:1;grid-column:1/g)?.length, 2);
    assert.match(String(html), /resize:horizontal/);
    assert.match(sanitizeHtml(String(html)), /resize:horizontal/); // the report keeps it
    assert.equal(
      text,
      'a star: base | <DPO> (100.0 % of the values differ, by 255.00 levels on average)',
    );
  });

  it('stands side by side where styles are dropped, if it is to blink', async () => {
    const { 'text/html': html } = await compare(picture(1), picture(1), { mode: 'blink' })[
      DISPLAY
    ]();
    assert.match(String(html), /@keyframes dpo-blink/);
    const kept = sanitizeHtml(String(html));
    assert.equal(kept.match(/<img /g)?.length, 2);
    assert.match(kept, /display:inline-flex/);
    assert.match(kept, /The pictures are equal/);
  });

  it('refuses pictures of two sizes', () => {
    assert.throws(() => compare(picture(0, 2), picture(0, 3)), /these are 2×2 and 3×3/);
  });

  it('measures how far weights are apart, block by block', async () => {
    const before = tensorCount();
    const weights = [
      ['down.0.conv.weight', [2]],
      ['down.0.conv.bias', [1]],
      ['up.weight', [2]],
    ] as const;
    const a = Parameters.allocate(weights);
    const b = Parameters.allocate(weights);
    a.write('down.0.conv.weight', Float32Array.of(3, 4));
    b.write('down.0.conv.weight', Float32Array.of(3, 5)); // ‖(0, 1)‖ / ‖(3, 4)‖ = 0.2
    a.write('up.weight', Float32Array.of(0, 12));
    b.write('up.weight', Float32Array.of(0, 12));
    const compared = compare(a, b);
    assert.deepEqual(compared.weights.map(relativeChange), [0.2, 0, 0]);
    assert.ok(Math.abs(relativeChange(compared.whole) - 1 / 13) < 1e-7); // ‖a‖ = √(25 + 144)
    const { 'text/plain': text } = await compared[DISPLAY]();
    assert.deepEqual(String(text).split('\n'), [
      'The weights differ by 7.69 % of their norm; 2 of 3 tensors are equal',
      '  down.0: 20 %',
      '  up: 0 %',
    ]);
    assert.deepEqual(compare({ parameters: a }, { parameters: b }).whole, compared.whole);
    const c = Parameters.allocate([['other', [1]]]);
    assert.throws(() => compare(a, c), /only one of the two has "other"/);
    for (const one of [a, b, c]) one.dispose();
    assert.equal(tensorCount(), before);
  });
});

describe('blindAB', () => {
  const pairs = [1, 2, 3, 4, 5, 6].map((i) => ({
    caption: `prompt <${i}>`,
    a: picture(i),
    b: picture(100 + i),
  }));

  it('hides which is which until it is answered, and exports what was chosen', async () => {
    const test = blindAB(pairs, { labels: ['base', 'DPO'], seed: 1 });
    assert.equal(new Set(test.left).size, 2);
    const dom = await page(test);
    const { document } = dom.window;
    const questions = [...document.querySelectorAll('[data-question]')];
    assert.equal(questions.length, pairs.length);
    assert.ok(questions.every((question) => question.querySelector('details')?.hidden));
    // In every pair the picture of b (DPO) is chosen.
    questions.forEach((question, i) => {
      const [left, right] = question.querySelectorAll('button');
      (test.left[i] === 'b' ? left : right)?.click();
    });
    assert.ok(questions.every((question) => question.querySelector('details')?.open));
    const json = document.querySelector('textarea')?.value ?? '';
    const { mean, answered } = test.score(json);
    assert.deepEqual([mean, answered], [1, 6]);
    assert.equal(document.querySelector('a')?.getAttribute('download'), 'answers.json');
    const key = questions[0]?.querySelector('details')?.textContent;
    assert.equal(
      key,
      `which is which${test.left[0] === 'a' ? 'left: base, right: DPO' : 'left: DPO, right: base'}`,
    );
  });

  it('counts a draw half, and refuses the answers of another test', () => {
    const test = blindAB(pairs, { seed: 1 });
    const of = /data-of="(\w+)"/;
    return Promise.resolve(test[DISPLAY]()).then((bundle) => {
      const id = of.exec(String(bundle['text/html']))?.[1];
      const answers = { 0: 'draw', 1: test.left[1] === 'a' ? 'left' : 'right' }; // a draw, and a
      assert.equal(test.score(JSON.stringify({ of: id, answers })).mean, 0.25);
      assert.throws(() => test.score(JSON.stringify({ of: 'x', answers })), /are of test "x"/);
      assert.throws(
        () => test.score(JSON.stringify({ of: id, answers: { 99: 'left' } })),
        /none of this/,
      );
      assert.throws(
        () => test.score(JSON.stringify({ of: id, answers: {} })),
        /No pair was answered/,
      );
    });
  });

  it('names the two under a fold where no script runs, escaped', async () => {
    const { 'text/html': html } = await blindAB(pairs, { labels: ['<base>', 'DPO'] })[DISPLAY]();
    const kept = sanitizeHtml(String(html));
    assert.equal(kept.match(/<summary>which is which/g)?.length, pairs.length);
    assert.doesNotMatch(String(html), /<base>|prompt <1>/);
  });
});
