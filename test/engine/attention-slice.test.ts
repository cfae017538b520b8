import assert from 'node:assert/strict';
import {
  type AttentionOptions,
  type AttentionSlice,
  attention,
  dryRun,
  noGrad,
  peakTensorBytes,
  profile,
  type Tensor,
  tensor,
  tidy,
  valueAndGrad,
  withKernels,
  zeros,
} from '../../src/engine';
import { assertClose, assertNoLeak } from '../support/assert';
import { kernelModes } from '../support/model-fixture';
import { wave } from '../support/wave';

const [B, S, L, heads, D] = [2, 32, 48, 4, 3];
const SLICES: readonly AttentionSlice[] = ['auto', 'max', 1, 3, 4];

const inputs = () =>
  [S, L, L].map((n, i) => tensor(wave([B, n, heads * D], i), [B, n, heads * D])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
const attend = ([q, k, v]: readonly [Tensor, Tensor, Tensor], options: Partial<AttentionOptions>) =>
  attention(q, k, v, { heads, ...options });

describe('attention in slices, plain kernels', () => {
  for (const slice of SLICES)
    it(`has the values and gradients of all heads at once (${slice})`, () => {
      withKernels('plain', () =>
        tidy(() => {
          const all = inputs();
          for (const mask of [undefined, 'causal'] as const) {
            const run = (given: Partial<AttentionOptions>) => {
              const loss = () =>
                attend(all, { mask, ...given })
                  .mul(all[0])
                  .square()
                  .sum();
              return valueAndGrad(loss, all);
            };
            const [whole, sliced] = [run({}), run({ slice })];
            assertClose(sliced.value, whole.value, { rtol: 1e-5 });
            sliced.grads.forEach((gradient, i) => {
              assertClose(gradient, whole.grads[i] as Tensor, { rtol: 1e-5, label: `input ${i}` });
            });
          }
        }),
      );
    });

  it('computes as many heads of all rows at once as diffusers does', () => {
    const products = (given: Partial<AttentionOptions>) =>
      withKernels('plain', () =>
        tidy(() => {
          const { operations } = profile(() => noGrad(() => attend(inputs(), given)));
          return operations.find(({ name }) => name === 'Softmax')?.calls;
        }),
      );
    // 2 rows of 4 heads: 8, by two, one by one, by three, by four
    assert.equal(products({}), 1);
    assert.deepEqual(
      (['auto', 'max', 3, 4] as const).map((slice) => products({ slice })),
      [4, 8, 3, 2],
    );
    // one head has no half: 2 rows
    assert.equal(products({ heads: 1, slice: 'auto' }), 2);
  });

  it('needs less memory, the less the smaller the slice', () => {
    const peak = (slice: AttentionSlice | undefined) =>
      withKernels('plain', () =>
        tidy(() => {
          const all = inputs();
          return peakTensorBytes(() => noGrad(() => attend(all, { slice }).dispose())).growth;
        }),
      );
    const [whole, auto, max] = [peak(undefined), peak('auto'), peak('max')] as const;
    const scores = 4 * S * L; // bytes of one head's
    assert.ok(whole - auto >= 2 * 6 * scores, `${whole} and ${auto}`); // scores and weights of 6 of 8 heads
    assert.ok(auto - max >= 2 * scores, `${auto} and ${max}`);
  });

  it("needs for Stable Diffusion's largest attention a quarter, and a sixteenth, of the scores", () => {
    const peak = (slice: AttentionSlice | undefined) =>
      withKernels('plain', () => {
        const { peakBytes } = dryRun(() =>
          tidy(() => {
            const x = zeros([2, 4096, 320]); // guidance's two rows at 64 × 64 positions
            attention(x, x, x, { heads: 8, slice });
          }),
        );
        return peakBytes;
      });
    const [whole, auto, max] = [peak(undefined), peak('auto'), peak('max')] as const;
    const scores = 4 * 4096 ** 2; // bytes of one head's
    const maps = 11 * 4 * 2 * 4096 * 320; // input, heads of q, k and v twice, results
    // as products, scaled, and as weights
    for (const [bytes, heads] of [
      [whole, 16],
      [auto, 4],
      [max, 1],
    ] as const)
      assert.ok(bytes >= 3 * heads * scores && bytes <= 3 * heads * scores + maps, `${bytes}`);
  });

  it('leaves no tensor behind', () => {
    withKernels('plain', () => {
      const run = () => tidy(() => void attend(inputs(), { slice: 3 }));
      run();
      assertNoLeak(run);
    });
  });
});

describe('attention in slices', () => {
  for (const mode of kernelModes)
    it(`refuses a slice without a meaning (${mode} kernels)`, () => {
      for (const slice of [0, 1.5, 5, Number.NaN])
        assert.throws(() => withKernels(mode, () => tidy(() => attend(inputs(), { slice }))), {
          name: 'RangeError',
          message: `The attention slice is ${slice}; it must be auto, max, or a whole number from 1 to the 4 heads.`,
        });
    });

  if (kernelModes.includes('fused'))
    it('is what the fused kernel does anyway, to the last bit', () => {
      const run = (slice?: AttentionSlice) => tidy(() => attend(inputs(), { slice }).floats());
      assert.deepEqual(run('max'), run());
    });
});
