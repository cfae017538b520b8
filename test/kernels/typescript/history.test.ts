import assert from 'node:assert/strict';
import { History } from '../../../kernels/typescript/history';

describe('History', () => {
  const history = new History();
  const cells = ['1+2', 'const x = 1;\nx', '1+2', '1.2'];
  for (const [i, code] of cells.entries()) history.add(i + 1, code);
  const counts = (asked: object) => {
    const { history: found } = history.answer({ ...asked }) as {
      history: [number, number, string][];
    };
    return found.map(([, count]) => count);
  };

  it('gives the last cells', () => {
    assert.deepEqual(counts({ hist_access_type: 'tail', n: 3 }), [2, 3, 4]);
    assert.deepEqual(counts({ hist_access_type: 'tail', n: 9 }), [1, 2, 3, 4]);
    assert.deepEqual(counts({ hist_access_type: 'tail', n: 0 }), []);
  });

  it('gives a range without its end, with outputs where they are asked for', () => {
    assert.deepEqual(counts({ hist_access_type: 'range', start: 2, stop: 4 }), [2, 3]);
    const asked = { hist_access_type: 'range', start: 1, stop: 2, output: true };
    assert.deepEqual(history.answer(asked), { status: 'ok', history: [[0, 1, ['1+2', null]]] });
  });

  it('finds whole cells by a pattern, whose other characters mean themselves', () => {
    assert.deepEqual(counts({ hist_access_type: 'search', pattern: '1?2' }), [1, 3, 4]);
    assert.deepEqual(counts({ hist_access_type: 'search', pattern: '1.2' }), [4]);
    assert.deepEqual(counts({ hist_access_type: 'search', pattern: '*x' }), [2]);
    assert.deepEqual(counts({ hist_access_type: 'search', pattern: '1+2', n: 1 }), [3]);
    assert.equal(counts({ hist_access_type: 'search', pattern: '1+2', unique: true }).length, 1);
  });
});
