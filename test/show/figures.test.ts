import assert from 'node:assert/strict';
import { tensor } from '../../src/engine';
import {
  CheckError,
  check,
  checkThat,
  DISPLAY,
  formatDuration,
  formatNumber,
  linePlot,
  table,
  tensorTable,
  together,
} from '../../src/show';
import { axisScale, niceTicks } from '../../src/show/figure-scale';

describe('linePlot', () => {
  const plot = linePlot([{ name: 'loss', y: [4, 2, 0, 2] }], {
    smooth: 2,
    yLabel: 'a < b',
    levels: [{ y: 1, label: 'ln 2' }],
  });

  it('is a plotly figure, a PNG and numbers', async () => {
    const bundle = await plot[DISPLAY]();
    const types = ['application/vnd.plotly.v1+json', 'image/png', 'text/plain'];
    assert.deepEqual(Object.keys(bundle), types);
    assert.equal(bundle['text/plain'], 'loss: 4 points, first 4, last 2, range 0 to 4');
    assert.match(String(bundle['image/png']), /^iVBORw0KGgo/);
  });

  it('draws the mean of each point and those before it, and the points faintly', async () => {
    const figure = (await plot[DISPLAY]())['application/vnd.plotly.v1+json'] as {
      readonly data: readonly { readonly y: readonly number[]; readonly x: readonly number[] }[];
    };
    assert.deepEqual(figure.data[0]?.y, [4, 2, 0, 2]);
    assert.deepEqual(figure.data[1]?.y, [4, 3, 1, 1]);
    assert.deepEqual(figure.data[1]?.x, [1, 2, 3, 4]);
  });

  it('has a static twin with labels in it, escaped', () => {
    assert.match(plot.svg(), />a &lt; b</);
    assert.match(plot.svg(), />ln 2</);
    assert.equal(plot.svg().match(/<path /g)?.length, 2);
  });

  it('breaks the line where a value is not finite', () => {
    const svg = linePlot([{ name: 'loss', y: [1, Number.NaN, 2, 3] }]).svg();
    const [path = ''] = /d="[^"]*"/.exec(svg) ?? [];
    assert.equal(path.match(/M/g)?.length, 2);
    assert.doesNotMatch(svg, /NaN/);
  });

  it('refuses a curve without points', () => {
    assert.throws(() => linePlot([{ name: 'loss', y: [] }]), /Curve "loss" has 0 x and 0 y values/);
  });
});

describe('axisScale', () => {
  it('places values from one end to the other, and the other way round where the axis is reversed', () => {
    const options = { room: 0, count: 4 };
    const place = axisScale({}, [0, 10], [100, 300], options);
    assert.deepEqual([place(0), place(2.5), place(10)], [100, 150, 300]);
    const reversed = axisScale({ autorange: 'reversed' }, [0, 10], [100, 300], options);
    assert.deepEqual([reversed(0), reversed(2.5), reversed(10)], [300, 250, 100]);
  });
});

describe('niceTicks', () => {
  it('covers the values with round numbers', () => {
    assert.deepEqual(niceTicks([0.03, 0.97], 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
    assert.deepEqual(niceTicks([-7, 13], 4), [-10, -5, 0, 5, 10, 15]);
  });

  it('copes with one value', () => {
    assert.ok(niceTicks([5, 5], 4).length >= 2);
  });
});

describe('table', () => {
  it('lines columns up in text, numbers to the right', async () => {
    const rows = [
      { name: 'base', wins: 9 },
      { name: 'DPO', wins: 111 },
    ];
    const bundle = await table(rows)[DISPLAY]();
    assert.equal(bundle['text/plain'], 'name  wins\n----  ----\nbase     9\nDPO    111');
  });

  it('escapes what it is given', async () => {
    const bundle = await table([{ 'a<b': '<script>' }])[DISPLAY]();
    assert.doesNotMatch(String(bundle['text/html']), /<script>|<b/);
  });
});

describe('tensorTable', () => {
  it('tells shape, range, mean, and the numbers of a small tensor', async () => {
    const text = String(
      (await tensorTable({ loss: tensor([1, -2, 4], [3, 1]) })[DISPLAY]())['text/plain'],
    );
    assert.match(text, /loss {2}\[3, 1\] {2}float32 {3}-2 {5}1 {4}4 {2}1, -2, 4/);
  });

  it('reads the numbers at once, so that the tensor may go', async () => {
    const loss = tensor([3], []);
    const shown = tensorTable({ loss });
    loss.dispose();
    assert.match(String((await shown[DISPLAY]())['text/plain']), /float32 +3$/);
  });

  it('is how a tensor shows itself, disposed or not', async () => {
    const loss = tensor([7, 8], [2]);
    const show = () => (loss as unknown as Record<symbol, () => object>)[DISPLAY]?.();
    assert.match(JSON.stringify(await show()), /7, 8/);
    loss.dispose();
    assert.deepEqual(await show(), { 'text/plain': 'Tensor [2], disposed' });
  });
});

describe('check', () => {
  it('shows the numbers where they are right', async () => {
    const bundle = await check('loss', tensor([0.5, 1], [2]), [0.5, 1 + 1e-7])[DISPLAY]();
    assert.equal(bundle['text/plain'], '✓ loss: [0.5, 1]');
  });

  it('throws with both numbers where one is wrong', () => {
    const wrong = () => check('loss', 0.7, 0.65);
    assert.throws(wrong, new CheckError('loss: 0.7, but it should be 0.65.'));
  });

  it('takes no missing number and no NaN for right', () => {
    assert.throws(() => check('loss', [1], [1, 2]), CheckError);
    assert.throws(() => check('loss', Number.NaN, 1), CheckError);
    assert.throws(() => check('loss', [1, 2], [1]), CheckError);
  });

  it('uses the tolerance it is given', () => {
    assert.throws(() => check('loss', 1, 1.00001), CheckError);
    check('loss', 1, 1.00001, { tolerance: 1e-4 });
  });

  it('repeats a statement that does not hold', () => {
    assert.throws(() => checkThat('one is two', false), /This does not hold: one is two\./);
  });

  it('shows several ticks under one cell', async () => {
    const both = together(check('a', 1, 1), checkThat('b', true));
    assert.equal((await both[DISPLAY]())['text/plain'], '✓ a: 1\n✓ b');
  });
});

describe('formatNumber', () => {
  it('keeps what a reader needs', () => {
    assert.equal(formatNumber(0.654321), '0.6543');
    assert.equal(formatNumber(123456), '123,456');
    assert.equal(formatNumber(0.00001234), '1.234e-5');
    assert.equal(formatNumber(Number.NaN), 'NaN');
  });
});

describe('formatDuration', () => {
  it('speaks of seconds, minutes and hours', () => {
    assert.deepEqual([14.4, 187, 3729].map(formatDuration), ['14 s', '3:07', '1:02:09']);
  });
});
