import assert from 'node:assert/strict';
import { cellSignal, display, follow, progress, progressLine, table, watch } from '../../src/show';
import { barText, newBar, runAgain } from '../../src/show/progress-state';

const NOTEBOOK = Symbol.for('diffusion-dpo.notebook');

/** Stands where the kernel puts itself, and keeps what would be shown. */
function inNotebook() {
  const shown: { readonly call: string; readonly id?: string; readonly text: string }[] = [];
  type Bundle = { readonly [mime: string]: unknown };
  Object.assign(globalThis, {
    [NOTEBOOK]: {
      display: (data: Bundle, options: { displayId?: string } = {}) =>
        shown.push({ call: 'display', id: options.displayId, text: String(data['text/plain']) }),
      update: (id: string, data: Bundle) =>
        shown.push({ call: 'update', id, text: String(data['text/plain']) }),
    },
  });
  return shown;
}

async function* three() {
  yield { loss: 0.9 };
  yield { loss: 0.8 };
  yield { loss: 0.7 };
}

describe('progress in a notebook', () => {
  afterEach(() => Reflect.deleteProperty(globalThis, NOTEBOOK));

  it('is one display that is replaced, and ends as a sentence', () => {
    const shown = inNotebook();
    const line = progressLine('train', 400);
    line.update(1, { loss: 0.6543 });
    line.update(400, { loss: 0.4123 });
    line.finish();
    assert.deepEqual(
      shown.map(({ call }) => call),
      ['display', 'update'],
    );
    assert.equal(shown[0]?.id, shown[1]?.id);
    assert.match(shown[0]?.text ?? '', /^train 1\/400 · loss 0\.654 · .* left$/);
    assert.match(shown[1]?.text ?? '', /^train 400\/400 · loss 0\.412 · \d+ s$/);
  });

  it('is shown at most four times a second', () => {
    const shown = inNotebook();
    const line = progressLine('train', 1000);
    for (let step = 0; step < 1000; step++) line.update(step);
    assert.ok(shown.length <= 3, `${shown.length} displays`);
    line.finish();
  });

  it('follows a loop without losing a record', async () => {
    const shown = inNotebook();
    const losses: number[] = [];
    const options = { label: 'train', total: 3, facts: (r: { loss: number }) => r };
    for await (const { loss } of follow(three(), options)) losses.push(loss);
    assert.deepEqual(losses, [0.9, 0.8, 0.7]);
    assert.match(shown.at(-1)?.text ?? '', /^train 3\/3 · loss 0\.7 · /);
  });

  it('ends the line, and the loop, when the reader leaves early', async () => {
    const shown = inNotebook();
    for await (const _ of follow(three(), { label: 'train', total: 3 })) break;
    assert.match(shown.at(-1)?.text ?? '', /^train 1\/3 · \d+ s$/);
  });

  it('returns the result of a job it watches', () => {
    const shown = inNotebook();
    function* job() {
      yield 1;
      yield 2;
      return 'drawn';
    }
    assert.equal(watch(job(), { label: 'draw', total: 2 }), 'drawn');
    assert.match(shown.at(-1)?.text ?? '', /^draw 2\/2/);
  });

  it('shows a value at once', async () => {
    const shown = inNotebook();
    await display(table([{ a: 1 }]));
    assert.deepEqual(
      shown.map(({ text }) => text),
      ['a\n-\n1'],
    );
  });
});

describe('cellSignal', () => {
  afterEach(() => Reflect.deleteProperty(globalThis, NOTEBOOK));

  it("is the notebook's, of the cell that runs now", () => {
    const cells = [new AbortController(), new AbortController()] as const;
    let running: AbortController = cells[0];
    Object.assign(globalThis, {
      [NOTEBOOK]: {
        get signal() {
          return running.signal;
        },
      },
    });
    const first = cellSignal();
    cells[0].abort();
    assert.equal(first?.aborted, true);
    running = cells[1];
    assert.equal(cellSignal()?.aborted, false);
  });

  it('is none in a plain program', () => {
    assert.equal(cellSignal(), undefined);
  });
});

describe('progress over a loop', () => {
  afterEach(() => Reflect.deleteProperty(globalThis, NOTEBOOK));

  it('passes on what a list, a set, a generator or an async one gives', async () => {
    const shown = inNotebook();
    assert.deepEqual([...progress([7, 8, 9], { label: 'list' })], [7, 8, 9]);
    assert.match(shown.at(-1)?.text ?? '', /^list 3\/3 · \d+ s$/);
    assert.deepEqual([...progress(new Set('ab'), { label: 'set' })], ['a', 'b']);
    assert.match(shown.at(-1)?.text ?? '', /^set 2\/2 · /);
    const unknown = [1, 2][Symbol.iterator]();
    assert.deepEqual(
      [...progress({ [Symbol.iterator]: () => unknown }, { label: 'some' })],
      [1, 2],
    );
    assert.match(shown.at(-1)?.text ?? '', /^some 2 · /);
    const seen: number[] = [];
    const options = { label: 'train', total: 3, facts: ({ loss }: { loss: number }) => ({ loss }) };
    for await (const { loss } of progress(three(), options)) seen.push(loss);
    assert.deepEqual(seen, [0.9, 0.8, 0.7]);
    assert.match(shown.at(-1)?.text ?? '', /^train 3\/3 · loss 0\.7 · /);
  });

  it('shows a loop inside another below it, and how often it ran', () => {
    const shown = inNotebook();
    for (const _ of progress([1, 2, 3], { label: 'epochs' }))
      for (const _inner of progress([1, 2], { label: 'batches' }));
    assert.equal(new Set(shown.map(({ id }) => id)).size, 1);
    assert.match(
      shown.at(-1)?.text ?? '',
      /^epochs 3\/3 · \d+ s\n {2}batches 6 in 3 runs · \d+ s$/,
    );
  });

  it('ends with the error of its loop, and says how far it came', () => {
    const shown = inNotebook();
    const broken = () => {
      for (const item of progress([1, 2, 3], { label: 'work' }))
        if (item === 2) throw new Error('no');
    };
    assert.throws(broken, /no/);
    assert.match(shown.at(-1)?.text ?? '', /^work 2\/3 · \d+ s$/);
    assert.deepEqual([...progress([1], { label: 'next' })], [1]);
    assert.match(shown.at(-1)?.text ?? '', /^next 1\/1 · /);
  });

  it('is not shown inside what another cell left unfinished', () => {
    const shown = inNotebook();
    const place = (globalThis as unknown as Record<symbol, { signal?: AbortSignal }>)[NOTEBOOK];
    Object.assign(place ?? {}, { signal: new AbortController().signal });
    progressLine('stopped', 9).update(1);
    Object.assign(place ?? {}, { signal: new AbortController().signal });
    assert.deepEqual([...progress([1], { label: 'next' })], [1]);
    assert.match(shown.at(-1)?.text ?? '', /^next 1\/1 · /);
  });

  it('escapes its label', async () => {
    const html: string[] = [];
    const keep = (_: unknown, data?: { 'text/html'?: unknown }) =>
      html.push(String(data?.['text/html'] ?? ''));
    Object.assign(globalThis, {
      [NOTEBOOK]: { display: (data: object) => keep(undefined, data), update: keep },
    });
    assert.deepEqual([...progress([1], { label: '<img src=x>' })], [1]);
    assert.ok(html.length > 0 && html.every((one) => !one.includes('<img')));
  });
});

describe('the text of a bar', () => {
  it('tells rate and time left of what is done, and the rate of all runs at the end', () => {
    const state = newBar('train', 100);
    state.startedAt = Date.now() - 10_000;
    state.done = 20;
    assert.equal(barText(state), 'train 20/100 · 2/s · 40 s left');
    state.total = undefined;
    state.done = 5;
    assert.equal(barText(state), 'train 5 · 2 s each · 10 s so far');
    state.ended = 10;
    runAgain(state, 100);
    Object.assign(state, { done: 15, ended: 10 });
    assert.equal(barText(state), 'train 20 in 2 runs · 1/s · 20 s');
  });
});

describe('progress in a plain program', () => {
  it('leaves one line on standard error, whatever the number of steps', () => {
    const lines: string[] = [];
    const { write } = process.stderr;
    process.stderr.write = ((text: string) => lines.push(text) > 0) as typeof write;
    try {
      for (const _ of progress(new Array(1000).fill(0), { label: 'train' }));
    } finally {
      process.stderr.write = write;
    }
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^train 1000\/1000 · /);
  });
});
