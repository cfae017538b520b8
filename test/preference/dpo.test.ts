import assert from 'node:assert/strict';
import { noGrad, type Tensor, tensor, tidy, valueAndGrad } from '../../src/engine';
import { dpoLoss, sftLoss } from '../../src/preference';
import { assertClose, assertNoLeak } from '../support/assert';

/** One pair of 1×1×1 predictions: preferred, rejected. */
const pair = (w: number, l: number) => tensor([w, l], [2, 1, 1, 1]);

/** One pair whose squared errors against a zero target are exactly these. */
const errors = (w: number, l: number) => pair(Math.sqrt(w), Math.sqrt(l));
const target = () => pair(0, 0);

describe('dpoLoss', () => {
  it('falls when the model denoises the preferred image better', () => {
    // errors: model 1 and 4, reference 4 and 1 → −½ · 2 · ((1 − 4) − (4 − 1)) = 6
    tidy(() => {
      const terms = dpoLoss(pair(1, 2), pair(2, 1), target(), { betaDpo: 2 });
      assertClose(terms.insideTerm, [6]);
      assertClose(terms.loss, Math.log1p(Math.exp(-6)));
      assertClose(terms.implicitAcc, 1);
      assertClose(terms.gradientFactor, [1 / (1 + Math.exp(6))]);
      assertClose(terms.modelDiff, [-3]);
      assertClose(terms.refDiff, [3]);
    });
  });

  // Float64 values of the formula at β 5000: (m_w, m_l, r_w, r_l) = (.1000, .1002, .1001, .1001).
  // The tolerance is float32's: one rounding of an error near 0.1 is 2500 · 7e-9 in the logit.
  const golden = [
    { w: 0.1, l: 0.1002, inside: 0.5, loss: 0.474076984, slope: -0.377540669, acc: 1 },
    { w: 0.1002, l: 0.1, inside: -0.5, loss: 0.974076984, slope: -0.622459331, acc: 0 },
  ];
  for (const { w, l, inside, loss, slope, acc } of golden)
    it(`gives ${loss} where the logit is ${inside}`, () => {
      tidy(() => {
        const terms = dpoLoss(errors(w, l), errors(0.1001, 0.1001), target());
        assertClose(terms.insideTerm, [inside], { atol: 2e-4 });
        assertClose(terms.loss, loss, { atol: 1e-4 });
        assertClose(terms.gradientFactor, [-slope], { atol: 1e-4 });
        assert.equal(terms.implicitAcc.item(), acc);
      });
    });

  it('is ln 2 to the last bit where policy and reference agree, with a gradient that is not 0', () => {
    tidy(() => {
      const rows = 16;
      const values = Float32Array.from({ length: rows * 12 }, (_, i) => Math.sin(i));
      const prediction = tensor(values, [rows, 2, 2, 3]);
      const noise = tensor(values.map(Math.cos), [rows, 2, 2, 3]);
      const reference = noGrad(() => prediction.mul(1));
      const { value, grads } = valueAndGrad(
        () => dpoLoss(prediction, reference, noise),
        [prediction],
      );
      assert.equal(value.loss.item(), Math.fround(Math.LN2));
      assert.equal(value.implicitAcc.item(), 0, 'a tie is not an agreement');
      assert.ok((grads[0] as Tensor).abs().mean().item() > 1);
    });
  });

  it('pulls the preferred prediction to the noise and pushes the rejected away', () => {
    // dL/dm = −σ(−x) · −½β · 2(m − ε)/d: at the start σ = ½, so β/2 · (m − ε) for W and −β/2 for L
    tidy(() => {
      const model = pair(0.3, 0.3);
      const { grads } = valueAndGrad(
        () => dpoLoss(model, pair(0.3, 0.3), target(), { betaDpo: 10 }),
        [model],
      );
      assertClose(grads[0] as Tensor, [0.5 * 10 * 0.3, -0.5 * 10 * 0.3]);
    });
  });

  it('refuses an odd number of rows and leaves nothing behind', () => {
    assertNoLeak(() => {
      const odd = tensor([1, 2, 3], [3, 1, 1, 1]);
      assert.throws(() => dpoLoss(odd, odd, odd), /3 rows cannot be halved/);
      odd.dispose();
    });
  });
});

describe('sftLoss', () => {
  it('is the mean of squared differences', () => {
    // (1² + 2²) / 2
    tidy(() => assertClose(sftLoss(pair(1, 2), target()).loss, 2.5));
  });
});
