import assert from 'node:assert/strict';
import vm from 'node:vm';
import ts from '@tslab/typescript-for-tslab';
import { CHECK, checkLoops } from '../../../kernels/typescript/loop-checks';

describe('checkLoops', () => {
  /** The value of a script, and how often it was checked; at the check number `stopAt` it is stopped. */
  const evaluate = (code: string, stopAt = Infinity) => {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { target: ts.ScriptTarget.ES2022 },
      transformers: { before: [checkLoops(ts)] },
    });
    let checks = 0;
    const check = () => {
      if (++checks >= stopAt) throw new Error('stopped');
    };
    const log: unknown[] = [];
    const run = () => vm.runInNewContext(outputText, { [CHECK]: check, log });
    return { run, log, checks: () => checks };
  };

  it('checks every kind of loop at the end of each turn, and changes nothing else', () => {
    const cases: [string, unknown, number][] = [
      ['let i = 0; while (i < 3) i++; i', 3, 3],
      ['let i = 0; do { i++; } while (i < 4); i', 4, 4],
      ['let s = 0; for (let i = 0; i < 5; i++) s += i; s', 10, 5],
      ["let s = ''; for (const k in { a: 1, b: 2 }) s += k; s", 'ab', 2],
      ['let s = 0; for (const x of [1, 2, 3]) { if (x === 2) continue; s += x; } s', 4, 3],
      ['let s = 0; for (const x of [1, 2, 3]) { if (x === 2) break; s += x; } s', 1, 2],
      ['(() => { for (;;) return 7; })()', 7, 1],
      [
        'let n = 0; out: for (;;) { while (true) { n++; if (n > 2) break out; continue out; } } n',
        3,
        6,
      ],
      [
        'const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i); fs.map((f) => f()).join()',
        '0,1,2',
        3,
      ],
      ['[1, 2].map((x) => { let y = 0; while (y < x) y++; return y; }).join()', '1,2', 3],
    ];
    for (const [code, value, count] of cases) {
      const { run, checks } = evaluate(code);
      assert.equal(run(), value, code);
      assert.equal(checks(), count, code);
    }
  });

  it('ends a loop after a whole turn, and lets what it reads from unwind', () => {
    const { run, log } = evaluate(
      `function* numbers() { try { yield 1; yield 2; yield 3; } finally { log.push('closed'); } }
      for (const n of numbers()) { log.push(n); if (n === 2) continue; log.push('turn'); }`,
      2,
    );
    assert.throws(run, /stopped/);
    assert.deepEqual(log, [1, 'turn', 2, 'closed']);
  });
});
