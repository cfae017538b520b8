import assert from 'node:assert/strict';
import { engineInfo } from '../../../src/engine';
import { assertClose } from '../../support/assert';
import { BFLOAT16, edgesFixture, expected, roundedTolerance, runFixtureCall } from './raw-ops';

/** What one kernel leaves for another: nobody else reads whether it is NaN or infinite. */
const BETWEEN_KERNELS = new Set(['stats', 'lse']);

/** Where ∞ meets −∞ or zero on PyTorch's way to a result and not on ours, or the other way round. */
const EITHER = /^((group|layer) norm|attention).* inf in|^QuickGelu, gradient/;

/** NaN and infinities where they are, and 1 for every other number. */
const kinds = (data: ArrayLike<number>) => Array.from(data, (x) => (Number.isFinite(x) ? 1 : x));
/** What is finite, and zeros. */
const finite = (data: ArrayLike<number>) => Array.from(data, (x) => (Number.isFinite(x) ? x : 0));

describe(`fused ops at their edges against PyTorch (${engineInfo().isa})`, () => {
  for (const fixture of edgesFixture.cases) {
    const { name, calls } = fixture;
    const kindsOf = EITHER.test(name)
      ? (x: ArrayLike<number>) => kinds(x).map(Number.isFinite)
      : kinds;
    it(name, () => {
      for (const call of calls) {
        for (const found of runFixtureCall(fixture, call)) {
          const { data, shape } = expected(name, found.name);
          const label = `${call.op} ${found.name}`;
          assert.deepEqual(found.shape, shape, label);
          if (BETWEEN_KERNELS.has(found.name) && name.includes(' in ')) continue;
          assert.deepEqual(kindsOf(found.data), kindsOf(data), label);
          const exact = { rtol: 2e-5, atol: 1e-6 };
          const tolerance = found.dtype === BFLOAT16 ? roundedTolerance(call.op) : exact;
          assertClose(finite(found.data), finite(data), { ...tolerance, label });
        }
      }
    });
  }
});
