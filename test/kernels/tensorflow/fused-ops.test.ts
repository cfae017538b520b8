import assert from 'node:assert/strict';
import { engineInfo } from '../../../src/engine';
import { assertClose } from '../../support/assert';
import { BFLOAT16, expected, opsFixture, runFixtureCall } from './raw-ops';

/** Differences of nearly equal large numbers: what float32 inputs allow, not what the kernel does. */
const LOOSER: Readonly<Record<string, number>> = {
  'group norm far from zero': 2e-4,
  'layer norm far from zero': 2e-4,
  'attention, sharp scores': 5e-5,
};

describe(`fused ops against PyTorch (${engineInfo().isa})`, () => {
  for (const fixture of opsFixture.cases) {
    const { name, calls } = fixture;
    it(name, () => {
      for (const call of calls) {
        for (const found of runFixtureCall(fixture, call)) {
          const { data, shape } = expected(name, found.name);
          assert.deepEqual(found.shape, shape, `${call.op} ${found.name}`);
          const rtol = found.dtype === BFLOAT16 ? 2 ** -8 : (LOOSER[name] ?? 1e-5);
          assertClose(found.data, data, { rtol, atol: 1e-6, label: `${call.op} ${found.name}` });
        }
      }
    });
  }
});
