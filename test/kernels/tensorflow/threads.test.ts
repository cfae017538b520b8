import assert from 'node:assert/strict';
import { kernelsPath } from '../../../src/engine/backend';
import { assertClose } from '../../support/assert';
import { floats, free, none, type OpCall, read, runOp, sequence } from './raw-ops';

/** What the addon tells JavaScript. */
interface NativeKernels {
  threads(): number;
  setThreads(n: number): void;
}
const native: NativeKernels = require(kernelsPath);

type Case = Omit<OpCall, 'inputs' | 'outputs'> & {
  readonly shapes: readonly (readonly number[])[];
  readonly outputs: number;
};

const norm = { groups: 6, silu: true };
const stats = [3, 6, 2];
const x = [3, 24, 25, 36];
const C = [36];
const C2 = 61;
const rows = [601, 77];
const weight = [C2, 77];
const kernel = [3, 3, 36, C2];
const conv = { stride: 1, same: true };
/** Sizes at which every op splits its work, most of them unevenly. */
const cases: readonly Case[] = [
  {
    op: 'DpoGroupNorm',
    attributes: { ...norm, epsilon: 1e-5 },
    shapes: [x, C, C, [3, 36]],
    outputs: 2,
  },
  {
    op: 'DpoGroupNormGradInto',
    attributes: norm,
    shapes: [x, x, C, C, [3, 36], stats, C, C],
    outputs: 2,
  },
  {
    op: 'DpoLayerNorm',
    attributes: { epsilon: 1e-5 },
    shapes: [[601, 77], [77], [77]],
    outputs: 2,
  },
  {
    op: 'DpoLayerNormGradInto',
    attributes: {},
    shapes: [[601, 77], [601, 77], [77], [601, 2], [77], [77]],
    outputs: 1,
  },
  { op: 'DpoGeglu', attributes: {}, shapes: [[401, 98], [98]], outputs: 1 },
  { op: 'DpoGegluGrad', attributes: {}, shapes: [[401, 49], [401, 98], [98]], outputs: 2 },
  {
    op: 'DpoAttention',
    attributes: { heads: 3, causal: true },
    shapes: [
      [1, 300, 30],
      [1, 300, 30],
      [1, 300, 30],
    ],
    outputs: 2,
  },
  {
    op: 'DpoAttentionGrad',
    attributes: { heads: 3, causal: true },
    shapes: [...Array.from({ length: 5 }, () => [1, 300, 30]), [1, 3, 300]],
    outputs: 3,
  },
  { op: 'DpoSquaredNorm', attributes: {}, shapes: [[200_001]], outputs: 1 },
  { op: 'DpoLinear', attributes: {}, shapes: [rows, weight, [C2], [601, C2]], outputs: 1 },
  { op: 'DpoLinearInputGrad', attributes: {}, shapes: [[601, C2], weight], outputs: 1 },
  {
    op: 'DpoLinearWeightGradInto',
    attributes: {},
    shapes: [[601, C2], rows, weight, [C2]],
    outputs: 0,
  },
  { op: 'DpoConv', attributes: conv, shapes: [x, kernel, [C2], [3, 24, 25, C2]], outputs: 1 },
  { op: 'DpoConvInputGrad', attributes: conv, shapes: [[3, 24, 25, C2], kernel, x], outputs: 1 },
  {
    op: 'DpoConvWeightGradInto',
    attributes: conv,
    shapes: [x, [3, 24, 25, C2], kernel, [C2]],
    outputs: 0,
  },
  { op: 'DpoGelu', attributes: {}, shapes: [[50_001]], outputs: 1 },
  { op: 'DpoUpsample2xGrad', attributes: {}, shapes: [[3, 50, 48, 36]], outputs: 1 },
  {
    op: 'DpoConcatChannels',
    attributes: {},
    shapes: [
      [6001, 31],
      [6001, 40],
    ],
    outputs: 1,
  },
  { op: 'DpoBiasGradInto', attributes: {}, shapes: [[6001, 77], [77]], outputs: 0 },
];

/** What an op returns, and what its inputs hold afterwards if it writes into them. */
function results({ op, attributes, shapes, outputs }: Case): Float32Array[] {
  const ids = shapes.map((shape, i) =>
    floats(
      sequence(
        shape.reduce((a, b) => a * b, 1),
        i + 1,
      ),
      shape,
    ),
  );
  const found = runOp(op, ids, outputs, attributes);
  const written = [...found.map(({ id }) => id), ...(op.endsWith('Into') ? ids : [])];
  const data = written.map(read);
  free(...ids, ...found.map(({ id }) => id));
  return data;
}

describe('kernel threads', () => {
  const before = native.threads();
  afterEach(() => native.setThreads(before));

  for (const testCase of cases) {
    it(`${testCase.op} gives the same on 1, 2, 3 and 7 threads, bit for bit on a second run`, () => {
      native.setThreads(1);
      const alone = results(testCase);
      for (const threads of [2, 3, 7]) {
        native.setThreads(threads);
        const shared = results(testCase);
        shared.forEach((data, i) => {
          assertClose(data, alone[i] as Float32Array, { rtol: 2e-6, label: `output ${i}` });
        });
        assert.deepEqual(results(testCase), shared);
      }
    });
  }

  it('are counted, and refuse to be none', () => {
    native.setThreads(5);
    assert.equal(native.threads(), 5);
    assert.throws(() => native.setThreads(0), /at least 1/);
  });
});

describe('fused ops on unusual values', () => {
  it('let NaN and infinity through', () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, 100, -100, 0, -1e-40];
    const input = floats([...values.map(() => 1), ...values], [1, 12]);
    const [id, bias] = [input, none()];
    const [y] = runOp('DpoGeglu', [id, bias], 1);
    assert.ok(y);
    const [nan, infinite, large, small, zero] = read(y.id);
    assert.ok(Number.isNaN(nan));
    assert.equal(infinite, Number.POSITIVE_INFINITY);
    assert.deepEqual([large, Math.abs(small as number), zero], [100, 0, 0]);
    free(id, bias, y.id);
  });

  it('let one NaN score spoil its own query only', () => {
    const q = Float32Array.from({ length: 12 }, (_, i) => (i === 5 ? Number.NaN : 1));
    const ids = [
      floats(q, [1, 6, 2]),
      floats(sequence(6), [1, 3, 2]),
      floats(sequence(6), [1, 3, 2]),
    ];
    const outputs = runOp('DpoAttention', ids, 2, { heads: 1, causal: false });
    const o = read((outputs[0] as { id: number }).id);
    assert.deepEqual([...o].map(Number.isNaN).indexOf(true), 4);
    assert.equal([...o].filter(Number.isNaN).length, 2);
    free(...ids, ...outputs.map(({ id }) => id));
  });
});
