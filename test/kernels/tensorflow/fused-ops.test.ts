import assert from 'node:assert/strict';
import { engineInfo } from '../../../src/engine';
import { assertClose } from '../../support/assert';
import { BFLOAT16, expected, opsFixture, roundedTolerance, runFixtureCall } from './raw-ops';

/** Differences of nearly equal large numbers: what float32 inputs allow, not what the kernel does. */
const LOOSER: Readonly<Record<string, number>> = {
  'group norm far from zero': 2e-4,
  'layer norm far from zero': 2e-4,
  'attention, sharp scores': 5e-5,
};

const FLOAT_TOLERANCE = { rtol: 1e-5, atol: 1e-6 };

describe(`fused ops against PyTorch (${engineInfo().isa})`, () => {
  for (const fixture of opsFixture.cases) {
    const { name, calls } = fixture;
    it(name, () => {
      for (const call of calls) {
        for (const found of runFixtureCall(fixture, call)) {
          const { data, shape } = expected(name, found.name);
          assert.deepEqual(found.shape, shape, `${call.op} ${found.name}`);
          const loose = LOOSER[name];
          const exact = loose ? { ...FLOAT_TOLERANCE, rtol: loose } : FLOAT_TOLERANCE;
          const tolerance = found.dtype === BFLOAT16 ? roundedTolerance(call.op) : exact;
          assertClose(found.data, data, { ...tolerance, label: `${call.op} ${found.name}` });
        }
      }
    });
  }
});
