import assert from 'node:assert/strict';
import { assertClose } from '../../support/assert';
import {
  edgesFixture,
  expected,
  floats,
  free,
  type OptimizerCase,
  opsFixture,
  read,
  runOp,
  sequence,
} from './raw-ops';

/** lr, β₁, β₂, ε, weight decay, 1 − β₁ᵗ, 1 − β₂ᵗ, gradient scale. */
const hyper = (c: OptimizerCase, t: number, gradScale: number) =>
  floats([
    c.lr,
    c.beta1,
    c.beta2,
    c.epsilon,
    c.weightDecay,
    1 - c.beta1 ** t,
    1 - c.beta2 ** t,
    gradScale,
  ]);

describe('DpoAdamW', () => {
  for (const settings of [...opsFixture.optimizers, ...edgesFixture.optimizers]) {
    it(`takes torch.optim.AdamW's steps in place: ${settings.name}`, () => {
      const { name, size, steps } = settings;
      const param = floats(expected(name, 'param0').data);
      const [m, v] = [floats(new Float32Array(size)), floats(new Float32Array(size))];
      for (let t = 1; t <= steps; t++) {
        const [grad, numbers] = [floats(expected(name, `grad${t}`).data), hyper(settings, t, 0.5)];
        runOp('DpoAdamW', [param, grad, m, v, numbers], 0);
        for (const [label, id] of Object.entries({ param, m, v })) {
          assertClose(read(id), expected(name, `${label}${t}`).data, { rtol: 1e-6, label });
        }
        assert.ok(
          read(grad).every((g) => g === 0),
          'the gradient is zeroed for the next step',
        );
        free(grad, numbers);
      }
      free(param, m, v);
    });
  }

  it('lets a NaN gradient show in the parameter', () => {
    const buffers = [
      [1, 1],
      [Number.NaN, 1],
      [0, 0],
      [0, 0],
    ].map((x) => floats(x));
    const settings = { ...opsFixture.optimizers[0] } as OptimizerCase;
    const numbers = hyper(settings, 1, 1);
    runOp('DpoAdamW', [...buffers, numbers], 0);
    const [bad, good] = read(buffers[0] as number);
    assert.ok(Number.isNaN(bad) && Number.isFinite(good));
    free(...buffers, numbers);
  });
});

describe('DpoSquaredNorm', () => {
  const norm = (data: ArrayLike<number>) => {
    const x = floats(data);
    const [result] = runOp('DpoSquaredNorm', [x], 1);
    assert.ok(result);
    const [value] = read(result.id);
    free(x, result.id);
    return value as number;
  };

  it('sums in double precision', () => {
    // 2²⁴ + 1 + 1 + 1 + 1: a float32 sum would stay at 2²⁴.
    assert.equal(norm([4096, 1, 1, 1, 1]), 2 ** 24 + 4);
    const x = sequence(100_003);
    const exact = x.reduce((total, value) => total + value * value, 0);
    assertClose(norm(x), exact, { rtol: 1e-7, atol: 0 });
  });

  it('passes infinity and NaN on', () => {
    assert.equal(norm([1, Number.NEGATIVE_INFINITY]), Number.POSITIVE_INFINITY);
    assert.ok(
      Number.isNaN(norm(Array.from({ length: 40 }, (_, i) => (i === 33 ? Number.NaN : i)))),
    );
  });

  it('of nothing is zero', () => assert.equal(norm([]), 0));
});
