import assert from 'node:assert/strict';
import { noGrad, type Tensor, tensor, tidy, valueAndGrad } from '../../src/engine';
import {
  dpoLoss,
  dspoLoss,
  hingeLoss,
  ipoLoss,
  ktoLoss,
  type LossOptions,
  type LossTerms,
  mapoLoss,
  type PreferenceLoss,
  type PreferenceLossName,
  preferenceLosses,
} from '../../src/preference';
import { assertClose, assertNoLeak } from '../support/assert';
import { jsonFixture } from '../support/fixtures';

interface Fixture {
  readonly shape: readonly number[];
  readonly inputs: Readonly<Record<'model' | 'ref' | 'target', readonly (readonly number[])[]>>;
  readonly cases: readonly {
    readonly loss: PreferenceLossName;
    readonly input: number;
    readonly options: LossOptions;
    readonly value: number;
    readonly gradient: readonly number[];
  }[];
}

const { shape, inputs, cases } = jsonFixture<Fixture>('preference', 'losses.json');
const names = Object.keys(preferenceLosses) as PreferenceLossName[];

/** The two pairs of one input of the fixture, or only their winners. */
function input(index: number, pictures: PreferenceLoss['pictures']) {
  const rows = pictures === 'both' ? 4 : 2;
  const of = (name: 'model' | 'ref' | 'target') =>
    tensor((inputs[name][index] ?? []).slice(0, rows * 12), [rows, ...shape.slice(1)]);
  return { model: of('model'), ref: of('ref'), target: of('target') };
}

function termsOf(
  loss: PreferenceLoss,
  { model, ref, target }: Readonly<Record<'model' | 'ref' | 'target', Tensor>>,
  options?: LossOptions,
): LossTerms {
  if (loss.reference === 'needed') return loss.terms(model, ref, target, options);
  return loss.terms(model, target, options);
}

/** What a rounding of a float32 error of one picture, near 4 at most, makes of a logit. */
function logitRounding({ betaDpo, numTrainTimesteps, snrValue }: LossOptions): number {
  return 2e-7 * ((betaDpo ?? 0) + 4 * (numTrainTimesteps ?? 0) * (snrValue ?? 0));
}

describe('preferenceLosses', () => {
  for (const name of names)
    it(`${name}: values and gradients are those of its formula in PyTorch`, () => {
      const loss = preferenceLosses[name];
      const own = cases.filter((c) => c.loss === name);
      assert.ok(own.length >= 5);
      for (const { input: index, options, value, gradient } of own)
        assertNoLeak(() => {
          tidy(() => {
            const given = input(index, loss.pictures);
            const found = valueAndGrad(() => termsOf(loss, given, options), [given.model]);
            const label = `${name} ${JSON.stringify(options)}, input ${index}`;
            const slack = logitRounding({ ...loss.defaults, ...options });
            const close = { rtol: 1e-5 + slack, atol: name === 'ipo' ? 1e-7 : 2 * slack };
            assertClose(found.value.loss, value, { ...close, label });
            // MaPO's slope is a difference that loses digits where the errors are as small as here.
            const rtol = name === 'mapo' && index === 3 ? 1e-3 : close.rtol;
            assertClose(found.grads[0] as Tensor, gradient, { rtol, label });
          });
        });
    });

  it('name the constants that the functions take by themselves', () => {
    for (const name of names)
      tidy(() => {
        const loss = preferenceLosses[name];
        const given = input(4, loss.pictures);
        const [bare, told] = [{}, loss.defaults].map((o) => termsOf(loss, given, o).loss.item());
        assert.equal(bare, told, name);
      });
  });

  it('start with a gradient where policy and reference agree', () => {
    for (const name of names)
      tidy(() => {
        const loss = preferenceLosses[name];
        const given = input(1, loss.pictures);
        assert.deepEqual(given.model.floats(), given.ref.floats());
        const { value, grads } = valueAndGrad(() => termsOf(loss, given), [given.model]);
        assert.ok((grads[0] as Tensor).abs().mean().item() > 1e-6, name);
        const start = { dpo: Math.fround(Math.LN2), hinge: 1, ipo: 4e-8, kto: 0.5 };
        if (name in start)
          assertClose(value.loss.item(), start[name as keyof typeof start], { atol: 1e-14 });
      });
  });

  it('say how strongly a pair pulls: minus the slope of its part of the loss', () => {
    const margins = ['dpo', 'ipo', 'hinge', 'mapo'] as const;
    for (const name of margins)
      tidy(() => {
        // One pair: the loss falls by the factor times the change of the margin.
        const step = 1e-2;
        const at = (errorL: number) => {
          const model = tensor([Math.sqrt(0.5), Math.sqrt(errorL)], [2, 1, 1, 1]);
          const given = {
            model,
            ref: tensor([0.7, 0.7], [2, 1, 1, 1]),
            target: tensor([0, 0], [2, 1, 1, 1]),
          };
          const terms = termsOf(preferenceLosses[name], given, {
            betaDpo: 3,
            numTrainTimesteps: 10,
          });
          return [
            terms.loss.item(),
            terms.insideTerm?.item(),
            terms.gradientFactor?.item(),
          ] as number[];
        };
        const [[lossA = 0, a = 0], [, , factor = 0], [lossB = 0, b = 0]] = [
          at(0.6 - step),
          at(0.6),
          at(0.6 + step),
        ] as const;
        assertClose((lossA - lossB) / (b - a), factor, { rtol: 1e-3, label: name });
      });
  });
});

/** One pair whose squared errors against a zero target are exactly these. */
const errors = (w: number, l: number) => tensor([Math.sqrt(w), Math.sqrt(l)], [2, 1, 1, 1]);
const zero = () => tensor([0, 0], [2, 1, 1, 1]);

describe('hingeLoss', () => {
  it('does not pull a pair beyond a margin of 1', () => {
    tidy(() => {
      // −½ · 2 · ((1 − 4) − 0) = 3 > 1, and half of it, 1.5; turned round −3: 1 + 3
      const { loss, gradientFactor } = hingeLoss(errors(1, 4), errors(1, 1), zero(), {
        betaDpo: 2,
      });
      assert.equal(loss.item(), 0);
      assert.equal(gradientFactor.item(), 0);
      assertClose(hingeLoss(errors(4, 1), errors(1, 1), zero(), { betaDpo: 2 }).loss, 4);
    });
  });
});

describe('ipoLoss', () => {
  it('is 0 where the margin is ½, whatever β', () => {
    tidy(() => {
      // h = (1 − 1) − (1 − 1.25) = ¼ = 1/(2β) at β = 2, that is betaDpo 4
      const terms = ipoLoss(errors(1, 1.25), errors(1, 1), zero(), { betaDpo: 4 });
      assertClose(terms.insideTerm, [0.5]);
      assertClose(terms.loss, 0);
      assertClose(terms.gradientFactor, [0]);
    });
  });
});

describe('mapoLoss', () => {
  it('gives the value computed in double precision, and no NaN at an error of 0', () => {
    tidy(() => {
      const { loss, implicitAcc } = mapoLoss(errors(0.1, 0.12), zero());
      assertClose(loss, 0.100735758, { atol: 3e-7 }); // the logit rounds by 1000 · 6e-8
      assert.equal(implicitAcc.item(), 1);
      // f(0) = 1, f(1000) = 0: 0.1 · log(1 + e^−1000) = 0
      assert.equal(mapoLoss(errors(0, 2000), zero()).loss.item(), 0);
      assertClose(mapoLoss(errors(2000, 0), zero()).loss, 2000 + 0.1 * 1000);
    });
  });
});

describe('ktoLoss', () => {
  it('measures gains from the mean of the batch, where that is a gain', () => {
    tidy(() => {
      // g = (3 − 1, 2 − 1) = (2, 1): Q = 1.5, x = (½, +½) · 2: winner above, loser below the reference point
      const gain = ktoLoss(errors(1, 1), errors(3, 2), zero(), { betaDpo: 2 });
      assertClose(gain.referencePoint, 1.5);
      assertClose(gain.insideTerm, [1, 1]);
      assertClose(gain.loss, 1 / (1 + Math.E));
      // g = (−2, −1): Q = 0, x = (−4, +2)
      const loss = ktoLoss(errors(3, 2), errors(1, 1), zero(), { betaDpo: 2 });
      assertClose(loss.referencePoint, 0);
      assertClose(loss.insideTerm, [-4, 2]);
      assert.equal(loss.implicitAcc.item(), 0.5);
    });
  });

  it('takes no gradient of the reference point', () => {
    tidy(() => {
      const model = errors(1, 1);
      const { grads } = valueAndGrad(
        () => ktoLoss(model, errors(3, 2), zero(), { betaDpo: 2 }),
        [model],
      );
      // −½ · σ′(1) · (±2) · dg/dm, dg/dm = −2m; of Q it would be nothing at all: ∂(x_w + x_l)/∂Q = 0 …
      const slope = 0.5 * (Math.E / (1 + Math.E) ** 2) * 2 * 2;
      assertClose(grads[0] as Tensor, [slope, -slope]);
      const { grads: lone } = valueAndGrad(
        () => ktoLoss(model, errors(3, 2), zero(), { betaDpo: 2, lambdaUKto: 0 }),
        [model],
      );
      assertClose(lone[0] as Tensor, [slope, 0]); // … but where only winners count, half of it would be gone
    });
  });
});

describe('dspoLoss', () => {
  it('starts as fine-tuning on winners and moves their target away from the reference', () => {
    tidy(() => {
      const start = dspoLoss(errors(4, 9), errors(4, 9), zero());
      assert.equal(start.loss.item(), 4);
      // change 2 − 1 = 1, inside −½ · 2 · ((4 − 4) − (1 − 1)) = 0, weight ½: (2 − 2 · ½ · 1)² = 1
      const moved = dspoLoss(errors(4, 4), errors(1, 1), zero(), { betaDpo: 2 });
      assertClose(moved.gradientFactor, [0.5]);
      assertClose(moved.loss, 1);
    });
  });
});

describe('implicitAcc', () => {
  it('counts ties not at all, or as half', () => {
    tidy(() => {
      const row = (...values: number[]) => tensor(values.map(Math.sqrt), [6, 1, 1, 1]);
      const zeros = tensor(new Float32Array(6), [6, 1, 1, 1]);
      // a hit, a tie, a miss
      const [model, ref] = [row(1, 1, 2, 2, 1, 1), row(1, 1, 1, 1, 1, 1)];
      const acc = (implicitAccTies?: 'strict' | 'half') =>
        dpoLoss(model, ref, zeros, { implicitAccTies }).implicitAcc.item();
      assertClose(acc(), 1 / 3);
      assertClose(acc('strict'), 1 / 3);
      assertClose(acc('half'), 0.5);
    });
  });

  it('makes policy and reference differ where only the errors of the reference are rounded', () => {
    tidy(() => {
      const model = errors(0.1003, 0.2007);
      const same = noGrad(() => model.mul(1));
      const rounded = dpoLoss(model, same, zero(), { referenceErrors: 'bfloat16' });
      // bfloat16 has 8 bits: 0.1003 → 0.10009765625, 0.2007 → 0.201171875
      assertClose(rounded.refLossesW, [0.10009765625], { rtol: 1e-7 });
      assertClose(rounded.refLossesL, [0.201171875], { rtol: 1e-7 });
      assert.ok(Math.abs(rounded.insideTerm.item()) > 0.5);
      assertClose(dpoLoss(model, same, zero()).insideTerm, [0], { atol: 0 });
    });
  });
});
