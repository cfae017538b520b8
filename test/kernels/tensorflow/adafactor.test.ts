import assert from 'node:assert/strict';
import { assertClose } from '../../support/assert';
import {
  type AdafactorCase,
  edgesFixture,
  expected,
  floats,
  free,
  opsFixture,
  read,
  runOp,
} from './raw-ops';

/** Learning rate, β₂ of step t, both ε, clip threshold, weight decay, whether to scale, gradient scale. */
const hyper = (c: AdafactorCase, t: number, gradScale: number) =>
  floats([
    c.lr,
    1 - t ** c.decayRate,
    c.epsilon,
    c.epsilonScale,
    c.clipThreshold,
    c.weightDecay,
    Number(c.scaleParameter),
    gradScale,
  ]);

const zeros = (size: number) => floats(new Float32Array(size));

describe('DpoAdafactor', () => {
  for (const settings of [...opsFixture.adafactors, ...edgesFixture.adafactors]) {
    it(`takes the steps of transformers' optimizer in place: ${settings.name}`, () => {
      const { name, steps } = settings;
      const { data, shape } = expected(name, 'param0');
      const isVector = shape.length === 1; // its row's moment is nobody's
      const param = floats(data, shape);
      const row = zeros(isVector ? 1 : expected(name, 'row1').data.length);
      const column = zeros(expected(name, 'column1').data.length);
      for (let t = 1; t <= steps; t++) {
        const grad = floats(expected(name, `grad${t}`).data, shape);
        const numbers = hyper(settings, t, 0.5);
        runOp('DpoAdafactor', [param, grad, row, column, numbers], 0);
        for (const [label, id] of Object.entries(
          isVector ? { param, column } : { param, row, column },
        )) {
          assertClose(read(id), expected(name, `${label}${t}`).data, { rtol: 2e-6, label });
        }
        assert.ok(
          read(grad).every((g) => g === 0),
          'the gradient is zeroed for the next step',
        );
        free(grad, numbers);
      }
      free(param, row, column);
    });
  }

  it('is the same on every run, split among threads as well', () => {
    const settings = { ...opsFixture.adafactors[0] } as AdafactorCase;
    for (const [shape, rows, columns] of [
      [[300, 211], 300, 211],
      [[3, 3, 90, 77], 3 * 6930, 3 * 6930],
    ] as const) {
      const size = shape.reduce((a: number, b) => a * b, 1);
      const wave = (k: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(k * i));
      const results = [1, 2].map(() => {
        const ids = [
          floats(wave(0.7), shape),
          floats(wave(1.3), shape),
          zeros(rows),
          zeros(columns),
        ];
        const numbers = hyper(settings, 2, 1);
        runOp('DpoAdafactor', [...ids, numbers], 0);
        const found = [0, 2, 3].map((i) => read(ids[i] as number));
        free(...ids, numbers);
        return found;
      });
      assert.deepEqual(results[0], results[1]);
      assert.ok(results[0]?.every((values) => values.every(Number.isFinite)));
    }
  });

  it('lets a NaN gradient show, and refuses moments that do not fit', () => {
    const settings = { ...opsFixture.adafactors[0] } as AdafactorCase;
    const [param, grad] = [floats([1, 1, 1, 1], [2, 2]), floats([Number.NaN, 1, 1, 1], [2, 2])];
    const [row, column, numbers] = [zeros(2), zeros(2), hyper(settings, 1, 1)];
    const wrong = zeros(3);
    const message = /input 2 must have 2 elements, it has 3/;
    const run = (moments: number) =>
      runOp('DpoAdafactor', [param, grad, moments, column, numbers], 0);
    assert.throws(() => run(wrong), message);
    run(row);
    assert.ok(read(param).some(Number.isNaN));
    free(param, grad, row, column, numbers, wrong);
  });
});
