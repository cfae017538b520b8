import assert from 'node:assert/strict';
import { cellSignal, display, follow, progress, table, watch } from '../../src/show';

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
    const line = progress('train', 400);
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
    const line = progress('train', 1000);
    for (let step = 0; step < 1000; step++) line.update(step);
    assert.ok(shown.length <= 3, `${shown.length} displays`);
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

describe('progress in a plain program', () => {
  it('shows nothing', () => {
    const line = progress('train', 2);
    line.update(1);
    line.finish();
  });
});
