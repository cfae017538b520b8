import assert from 'node:assert/strict';
import sharp from 'sharp';
import { DISPLAY, type Figure, livePlot, plot, runFigure } from '../../src/show';
import { axisScale, binned } from '../../src/show/figure-scale';
import { thinned } from '../../src/show/thinned';

const PLOTLY = 'application/vnd.plotly.v1+json';
const NOTEBOOK = Symbol.for('diffusion-dpo.notebook');

/** Numbers of an attribute of all elements of one kind in a picture. */
const numbers = (svg: string, element: RegExp) =>
  [...svg.matchAll(element)].map(([, value]) => Number(value));

describe('plot', () => {
  it('draws bars from zero, as high as their values, beside each other', () => {
    const svg = plot({
      data: [
        { type: 'bar', name: 'a', x: ['p', 'q'], y: [10, 20] },
        { type: 'bar', name: 'b', x: ['p', 'q'], y: [-10, 5] },
      ],
    }).svg();
    const [, ...heights] = numbers(svg, /<rect [^>]*height="([\d.]+)"/g);
    const [first = 0] = heights;
    const expected = [1, 2, 1, 0.5].map((share) => first * share);
    heights.forEach((height, i) => {
      assert.ok(Math.abs(height - (expected[i] ?? 0)) < 0.05, `${heights}`);
    });
    const tops = numbers(svg, /<rect x="[\d.]+" y="([\d.]+)"/g);
    assert.ok(Math.abs((tops[0] ?? 0) + first - (tops[2] ?? 0)) < 0.05); // −10 hangs from where 10 stands
    assert.match(svg, />p<.*>q</);
  });

  it('counts values between round edges', () => {
    const { edges, counts } = binned({
      type: 'histogram',
      x: [0, 0.5, 1, 1.5, 9.9, Number.NaN],
      nbinsx: 10,
    });
    assert.deepEqual(edges, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual(counts, [2, 2, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it('places values of a logarithmic axis by their powers', () => {
    const scale = axisScale({ type: 'log' }, [1, 100], [0, 200], { room: 0, count: 5 });
    assert.deepEqual([1, 10, 100].map(scale), [0, 100, 200]);
    assert.deepEqual(
      scale.ticks.map(({ label }) => label),
      ['1', '2', '5', '10', '20', '50', '100'],
    );
  });

  it('labels ticks so that they can be told apart', () => {
    const labels = (...values: number[]) =>
      axisScale({}, values, [0, 200], { room: 0, count: 4 }).ticks.map(({ label }) => label);
    assert.deepEqual(labels(0.52308, 0.52314), ['0.52308', '0.5231', '0.52312', '0.52314']);
    assert.deepEqual(labels(0, 0.00009), ['0', '5e-5']);
    assert.deepEqual(labels(0, 3), ['0', '1', '2', '3']);
  });

  it('keeps the name of an axis in the figure, left of long numbers', () => {
    const leftOf = (...y: number[]) => {
      const line = { type: 'scatter', x: [0, 1], y } as const;
      const layout = { yaxis: { title: { text: 'loss' } } };
      const svg = plot({ data: [line], layout }).svg();
      const [, name] = /translate\((\S+) \S+ rotate\(-90\)/.exec(svg) ?? [];
      const [, axis] = /<line x1="([\d.]+)"/.exec(svg) ?? [];
      return { name: Number(name), axis: Number(axis) };
    };
    assert.deepEqual(leftOf(0, 3), { name: 30, axis: 76 });
    const { name, axis } = leftOf(0.52308, 0.52314); // numbers of 7 characters
    assert.ok(name >= 14 && axis - name >= 26 + 7.5 * 7, `${name}, ${axis}`);
  });

  it('colours a heat map from dark to light', () => {
    const svg = plot({
      data: [
        {
          type: 'heatmap',
          z: [
            [0, 1],
            [0.5, Number.NaN],
          ],
        },
      ],
    }).svg();
    const fills = [...svg.matchAll(/fill="(rgb\([^"]*)"/g)].map(([, fill]) => fill);
    assert.deepEqual(fills, ['rgb(68,1,84)', 'rgb(253,231,37)', 'rgb(33,145,140)']);
  });

  it('draws error bars to both ends', () => {
    const error_y = { type: 'data', array: [2], arrayminus: [1] } as const;
    const svg = plot({
      data: [{ type: 'scatter', mode: 'markers', x: [1], y: [5], error_y }],
      layout: { yaxis: { range: [0, 10] }, height: 166 }, // 100 pixels for 10
    }).svg();
    const [cy = 0] = numbers(svg, /cy="([\d.]+)"/g);
    const [top = 0] = numbers(svg, /d="M[\d.-]+ ([\d.]+)h10/g);
    const [bottom = 0] = numbers(svg, /V([\d.]+)M/g);
    assert.deepEqual([cy - top, bottom - cy], [20, 10]);
  });

  it('puts a second panel in its domain', () => {
    const figure: Figure = {
      data: [
        { type: 'scatter', x: [0, 1], y: [0, 1] },
        { type: 'scatter', x: [0, 1], y: [0, 1], xaxis: 'x2', yaxis: 'y2' },
      ],
      layout: {
        xaxis: { domain: [0, 0.4] },
        xaxis2: { domain: [0.6, 1], anchor: 'y2' },
        yaxis2: { anchor: 'x2' },
        shapes: [{ type: 'line', xref: 'x2 domain', yref: 'y2', x0: 0, x1: 1, y0: 0.5, y1: 0.5 }],
      },
    };
    const svg = plot(figure).svg();
    const starts = numbers(svg, /<path d="M([\d.]+)/g);
    const ends = numbers(svg, /<path d="M[\d. ]+L([\d.]+)/g);
    const wide = 720 - 76 - 22;
    assert.deepEqual(starts, [76, 76 + 0.6 * wide]);
    assert.deepEqual(ends, [76 + 0.4 * wide, 720 - 22]);
    assert.equal(svg.match(/stroke="#666"/g)?.length, 1); // the line is in its own panel alone
  });

  it('is a bundle that every viewer shows something of', async () => {
    const figure: Figure = {
      data: [{ type: 'scatter', name: 'loss', x: [1, 2], y: [0.123456789, 4] }],
      layout: { title: { text: 'a < b' }, yaxis: { title: { text: 'loss, nats' } } },
    };
    const bundle = await plot(figure)[DISPLAY]();
    assert.deepEqual(Object.keys(bundle), [PLOTLY, 'image/png', 'text/plain']);
    assert.equal(
      bundle['text/plain'],
      'a < b\nloss: 2 points, first 0.1235, last 4, range 0.1235 to 4',
    );
    const { width, height } = await sharp(
      Buffer.from(String(bundle['image/png']), 'base64'),
    ).metadata();
    assert.deepEqual([width, height], [720, 400]);
    const { data, layout } = bundle[PLOTLY] as {
      data: { y: number[] }[];
      layout: Record<string, object>;
    };
    assert.deepEqual(data[0]?.y, [0.12346, 4]);
    assert.deepEqual(layout.title, { text: 'a < b' });
    assert.equal((layout.yaxis as { title?: { text: string } }).title?.text, 'loss, nats');
    assert.match(plot(figure).svg(), />a &lt; b</);
  });

  it('refuses a trace without values', () => {
    const figure: Figure = { data: [{ type: 'histogram', name: 'noise', x: [] }] };
    assert.throws(() => plot(figure), /Trace "noise" has no values/);
  });

  it('stays small with a hundred thousand points', async () => {
    const y = Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 500) + Math.sin(i * i));
    const figure: Figure = {
      data: [{ type: 'scatter', x: Array.from(y.keys()), y: Array.from(y) }],
    };
    assert.ok(JSON.stringify(await plot(figure)[DISPLAY]()).length < 200_000);
  });
});

describe('thinned', () => {
  it('keeps the ends, the extremes and a break', () => {
    const y = new Array<number>(10_000).fill(0);
    y[5000] = 9;
    y[7001] = -9;
    y[8002] = Number.NaN;
    const { x, y: kept } = thinned([...y.keys()], y, 100);
    assert.ok(x.length <= 100);
    assert.deepEqual([x[0], x.at(-1)], [0, 9999]);
    assert.equal(kept[x.indexOf(5000)], 9);
    assert.equal(kept[x.indexOf(7001)], -9);
    assert.ok(Number.isNaN(kept[x.indexOf(8002)]));
  });

  it('leaves a short curve as it is', () => {
    const y = [3, 1, 2];
    assert.equal(thinned([1, 2, 3], y).y, y);
  });
});

describe('livePlot', () => {
  afterEach(() => Reflect.deleteProperty(globalThis, NOTEBOOK));

  it('is a picture while it grows, on one display, and a figure at the end', async () => {
    const shown: { readonly id: string; readonly types: string[] }[] = [];
    Object.assign(globalThis, {
      [NOTEBOOK]: {
        display: (data: object, { displayId }: { displayId: string }) =>
          shown.push({ id: displayId, types: Object.keys(data) }),
        update: (id: string, data: object) => shown.push({ id, types: Object.keys(data) }),
      },
    });
    const live = livePlot();
    const figure: Figure = { data: [{ type: 'scatter', x: [1], y: [1] }] };
    for (let i = 0; i < 50; i++) live.update(figure);
    await live.finish();
    assert.equal(new Set(shown.map(({ id }) => id)).size, 1);
    assert.deepEqual(shown[0]?.types, ['image/svg+xml', 'text/plain']);
    assert.deepEqual(shown.at(-1)?.types, [PLOTLY, 'image/png', 'text/plain']);
    assert.ok(shown.length < 5);
  });
});

describe('runFigure', () => {
  it('has a panel for each figure that the steps have, beside one another', () => {
    const records = [1, 2].map((step) => ({ step, loss: 0.7 / step, grad_norm: 2 }));
    const { data, layout } = runFigure(records);
    assert.deepEqual(
      data.map(({ name }) => name),
      ['loss', 'gradient norm'],
    );
    assert.equal(layout?.yaxis2?.title?.text, 'gradient norm');
    const [, end = 1] = layout?.xaxis?.domain ?? [];
    const [start = 0] = layout?.xaxis2?.domain ?? [];
    assert.ok(end < start);
    assert.throws(() => runFigure([]), /without steps/);
  });
});
