import assert from 'node:assert/strict';
import { ProgressLine } from '../../src/cli/progress-line';

describe('ProgressLine', () => {
  it('redraws one line of a terminal and leaves the last state on it', () => {
    const written: string[] = [];
    const line = new ProgressLine('drawing', 'step', {
      isTTY: true,
      write: (text) => written.push(text),
    });
    for (let i = 1; i <= 100; i++) line.update(i, 100);
    const clear = '\r\x1b[2K';
    for (const text of written) assert.ok(text.startsWith(clear));
    const lines = written.map((text) => text.slice(clear.length));
    assert.match(lines[0] ?? '', /^drawing: step 1\/100 · .* · .* left$/);
    assert.match(lines.at(-1) ?? '', /^drawing: step 100\/100 · .* steps\/s · 0 s\n$/);
    assert.ok(written.length < 10, `${written.length} redraws of a job of a few milliseconds`);
  });

  it('writes whole lines to a file, first and last and every ten seconds', () => {
    const written: string[] = [];
    const line = new ProgressLine('drawing', 'step', { write: (text) => written.push(text) });
    for (let i = 1; i <= 100; i++) line.update(i, 100);
    assert.equal(written.length, 2);
    for (const text of written) assert.match(text, /^drawing: step \d+\/100 · .*\n$/);
  });
});
