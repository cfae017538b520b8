import assert from 'node:assert/strict';
import { drawsToBeat } from '../../../src/scoring/evaluation/reproduce/best-of-n';
import { reproductionText } from '../../../src/scoring/evaluation/reproduce/rows';

describe('drawsToBeat', () => {
  it('counts from one, needs more and not as much, and ends at the cap', () => {
    assert.equal(drawsToBeat(2, [1, 2, 3, 4]), 3);
    assert.equal(drawsToBeat(0, [1, 2]), 1);
    assert.equal(drawsToBeat(4, [1, 2, 3, 4]), 4);
  });
});

describe('reproductionText', () => {
  it('has ours beside the paper’s, with interval and n, or what it needs', () => {
    const ours = { value: 0.625, low: 0.5, high: 0.75, n: 40, method: 'BCa' as const };
    const lines = reproductionText({
      ...{ name: 'table2', title: 'Table 2', notes: ['a note'] },
      rows: [
        { what: 'pickscore', paper: '64.2 %', ours, note: 'SHA-256 ab' },
        { what: 'hps', paper: '59.3 %', needs: 'xswu/HPSv2 (2.0 GB)' },
        { what: 'draws', ours: { ...ours, value: 7, low: 3, high: 9 }, unit: 'draws' },
      ],
    });
    assert.deepEqual(lines, [
      'Table 2',
      '',
      '           paper   ours',
      'pickscore  64.2 %  62.5 % (50.0–75.0, n = 40)  SHA-256 ab',
      'hps        59.3 %  needs these downloads: xswu/HPSv2 (2.0 GB)',
      'draws              7.0 (3.0–9.0, n = 40)',
      '',
      'a note',
    ]);
  });
});
