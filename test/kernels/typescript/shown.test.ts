import assert from 'node:assert/strict';
import { Pages } from '../../../kernels/typescript/pages';
import { Shown } from '../../../kernels/typescript/shown';
import type { Json } from '../../../kernels/typescript/wire';

const json = (content: Json) => Buffer.from(JSON.stringify(content));
const display = (text: string, display_id?: string) =>
  json({ data: { 'text/plain': text }, metadata: {}, transient: display_id ? { display_id } : {} });

/** `type text` of what a cell has shown, or the sentence instead. */
function told(shown: Shown, count?: number, owner = 99) {
  const found = shown.of(count, owner);
  if (typeof found === 'string') return found;
  return found.map(({ msgType, content }) => {
    const { text, data } = content as { text?: string; data?: { 'text/plain': string } };
    return `${msgType} ${text ?? data?.['text/plain']}`;
  });
}

describe('Shown', () => {
  const open = () => {
    const shown = new Shown();
    shown.begin(11, 1);
    return shown;
  };

  it('keeps what cells print and display, in order, each its own', () => {
    const shown = open();
    shown.begin(12, 2);
    shown.print(11, 'stdout', 'a\n');
    shown.publish(12, 'display_data', display('of the second'));
    shown.publish(11, 'display_data', display('b'));
    shown.print(11, 'stderr', 'c\n');
    assert.deepEqual(told(shown, 1), ['stream a\n', 'display_data b', 'stream c\n']);
    assert.deepEqual(told(shown, 2), ['display_data of the second']);
    assert.deepEqual(told(shown), told(shown, 2), 'the last one');
    assert.deepEqual(
      told(shown, undefined, 12),
      told(shown, 1),
      'the last before the one that asks',
    );
  });

  it('keeps a display as it was last, whichever cell replaced it', () => {
    const shown = open();
    shown.publish(11, 'display_data', display('1 of 9', 'bar'));
    shown.print(11, 'stdout', 'between\n');
    shown.publish(12, 'update_display_data', display('9 of 9', 'bar'));
    shown.publish(12, 'update_display_data', display('another', 'line'));
    assert.deepEqual(told(shown, 1), ['display_data 9 of 9', 'stream between\n']);
  });

  it('forgets what a cell has cleared, at once or with the next output', () => {
    const shown = open();
    shown.print(11, 'stdout', 'a\n');
    shown.publish(11, 'clear_output', json({ wait: true }));
    assert.deepEqual(told(shown, 1), ['stream a\n']);
    shown.print(11, 'stdout', 'b\n');
    assert.deepEqual(told(shown, 1), ['stream b\n']);
    shown.publish(11, 'clear_output', json({ wait: false }));
    assert.equal(told(shown, 1), 'No output of cell [1] is kept; no cell has shown any.\n');
  });

  it('turns results and errors into what another cell may show', () => {
    const shown = open();
    shown.publish(
      11,
      'execute_result',
      json({ execution_count: 1, data: { 'text/plain': '4' }, metadata: {} }),
    );
    shown.publish(
      11,
      'error',
      json({ ename: 'E', evalue: 'no', traceback: ['E: no', '  at cell 1'] }),
    );
    assert.deepEqual(told(shown, 1), ['display_data 4', 'stream E: no\n  at cell 1\n']);
  });

  it('shows a cell that ran again as it was the last time, and says what it has', () => {
    const shown = open();
    shown.print(11, 'stdout', 'a\n');
    shown.begin(12, 7);
    shown.print(12, 'stdout', 'b\n');
    assert.equal(told(shown, 3), 'No output of cell [3] is kept; there is that of [1], [7].\n');
  });

  it('drops the oldest of a cell that shows without end, and says so', () => {
    const shown = open();
    const line = `${'x'.repeat(99_999)}\n`;
    for (let i = 0; i < 25; i++) shown.print(11, 'stdout', `${i} ${line}`);
    const lines = told(shown, 1);
    assert.ok(Array.isArray(lines) && lines.length === 1 + 19);
    assert.match(lines[0] ?? '', /^stream … the first 6000\d\d characters are no longer kept\n$/);
    assert.ok(lines.at(-1)?.startsWith('stream 24 x'));
  });

  it('keeps twenty cells', () => {
    const shown = new Shown();
    for (let i = 1; i <= 21; i++) {
      shown.begin(i, i);
      shown.print(i, 'stdout', `${i}\n`);
    }
    assert.match(
      String(shown.of(1, 99)),
      /^No output of cell \[1\] is kept; there is that of \[2\], /,
    );
    assert.deepEqual(told(shown, 2), ['stream 2\n']);
  });
});

describe('Pages', () => {
  const open = () => {
    const clock = { now: 1_000_000 };
    const pages = new Pages(() => clock.now);
    pages.heard('old');
    return { pages, clock };
  };

  it('tells a new page once of cells that went on for a minute without a word from theirs', () => {
    const { pages, clock } = open();
    clock.now += 61_000;
    pages.ended('old', 3);
    pages.ended('old', 4);
    assert.deepEqual(pages.takeUnseen('new'), [3, 4]);
    assert.deepEqual(pages.takeUnseen('new'), []);
  });

  it('tells nothing of short cells, of a page that was heard meanwhile, or to the page itself', () => {
    const { pages, clock } = open();
    clock.now += 59_000;
    pages.ended('old', 3);
    assert.deepEqual(pages.takeUnseen('new'), []);
    clock.now += 30_000;
    pages.heard('old');
    clock.now += 40_000;
    pages.ended('old', 4);
    assert.deepEqual(pages.takeUnseen('new'), []);
    clock.now += 60_000;
    pages.ended('old', 5);
    assert.deepEqual(pages.takeUnseen('old'), []);
    assert.deepEqual(pages.takeUnseen('new'), [5]);
  });
});
