import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { engineInfo } from '../../../src/engine';
import { ALL_SETS, supportedSets } from '../../support/instruction-sets';

const root = resolve(__dirname, '..', '..', '..');

/** Runs the parity tests of the native ops in a process of their own. */
function parityTests(environment: Readonly<Record<string, string>>) {
  const names = ['fused-ops', 'edges', 'bfloat16', 'optimizer-ops', 'adafactor'];
  const files = names.map((name) => resolve(__dirname, `${name}.test.ts`));
  const mocha = resolve(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  return spawnSync(process.execPath, [mocha, '--reporter', 'dot', ...files], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
}

describe('instruction sets', () => {
  const sets = supportedSets();

  it('are chosen by what the processor has: the widest', () => {
    assert.equal(engineInfo().isa, process.env.DPO_ISA ?? sets.at(-1));
    assert.equal(sets[0], 'portable', 'what any processor has');
  });

  for (const isa of sets.filter((name) => name !== engineInfo().isa)) {
    it(`give PyTorch's values as ${isa}`, () => {
      const { status, stdout, stderr } = parityTests({ DPO_ISA: isa });
      assert.equal(status, 0, stdout + stderr);
    });
  }

  it('that are not there are refused by name', () => {
    const [absent = 'sse'] = ALL_SETS.filter((name) => !sets.includes(name));
    for (const isa of [absent, 'AVX2']) {
      const { status, stdout, stderr } = parityTests({ DPO_ISA: isa });
      assert.notEqual(status, 0);
      assert.match(stdout + stderr, new RegExp(`DPO_ISA is "${isa}", which .* does not have`));
    }
  });

  it("give PyTorch's values on one thread and on more threads than cores", () => {
    for (const DPO_THREADS of ['1', '9']) {
      const { status, stdout, stderr } = parityTests({ DPO_THREADS });
      assert.equal(status, 0, stdout + stderr);
    }
  });
});
