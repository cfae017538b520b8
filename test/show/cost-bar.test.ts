import assert from 'node:assert/strict';
import { costBar, DISPLAY } from '../../src/show';

const work = {
  milliseconds: 100,
  operations: [
    { name: 'MatMul', calls: 3, milliseconds: 50 },
    { name: 'Conv2D', calls: 1, milliseconds: 20 },
    { name: 'Add<V2>', calls: 9, milliseconds: 5 },
    { name: 'Mul', calls: 2, milliseconds: 5 },
  ],
};

/** Width of each piece, the white ground left out. */
const widths = (svg: string) =>
  [...svg.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"/g)].map((m) => Number(m[1]));

describe('costBar', () => {
  it('gives each operation its share, and JavaScript what is left', () => {
    const [first, second, third, fourth, rest] = widths(costBar(work).svg());
    assert.ok(Math.abs(Number(first) - (0.5 * 712 - 1)) < 0.2);
    assert.ok(Math.abs(Number(second) - (0.2 * 712 - 1)) < 0.2);
    assert.equal(third, fourth);
    assert.ok(Math.abs(Number(rest) - (0.2 * 712 - 1)) < 0.2);
  });

  it('joins what is beyond the dearest, and escapes names', async () => {
    const bar = costBar(work, { operations: 2, title: 'a < b' });
    assert.equal(widths(bar.svg()).length, 4);
    assert.match(bar.svg(), /a &lt; b: 100 ms/);
    const shown = await bar[DISPLAY]();
    assert.match(
      String(shown['text/plain']),
      /50\.0 % {2}MatMul\n 20\.0 % {2}Conv2D\n 10\.0 % {2}2 others/,
    );
    assert.ok(String(shown['image/png']).length > 500);
  });
});
