import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { engineInfo } from '../../../src/engine';

const ALL = ['portable', 'avx2', 'avx512', 'avx512bf16'];

const root = resolve(__dirname, '..', '..', '..');

/** Runs the parity tests of the native ops in a process of their own. */
function parityTests(environment: Readonly<Record<string, string>>) {
  const files = ['fused-ops', 'bfloat16', 'optimizer-ops', 'adafactor'].map((name) =>
    resolve(__dirname, `${name}.test.ts`),
  );
  const mocha = resolve(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  return spawnSync(process.execPath, [mocha, '--reporter', 'dot', ...files], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
}

describe('instruction sets', function () {
  this.timeout(180_000); // each starts Node and TensorFlow anew

  it('are chosen by what the processor has', () => {
    const known = process.arch === 'x64' ? ALL : ['portable'];
    assert.ok(known.includes(engineInfo().isa));
  });

  // Where the processor lacks one, the kernels fall back to one that it has: still a valid run.
  for (const isa of ALL.filter((name) => name !== engineInfo().isa)) {
    it(`give PyTorch's values as ${isa}`, () => {
      const { status, stdout, stderr } = parityTests({ DPO_ISA: isa });
      assert.equal(status, 0, stdout + stderr);
    });
  }

  it("give PyTorch's values on one thread and on more threads than cores", () => {
    for (const DPO_THREADS of ['1', '9']) {
      const { status, stdout, stderr } = parityTests({ DPO_THREADS });
      assert.equal(status, 0, stdout + stderr);
    }
  });
});
