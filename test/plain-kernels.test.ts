/** What runs where there are no kernels of ours, as on a GPU: parity on TensorFlow's own operations from the first one on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const parity = [
  ...['engine/ops', 'engine/parameters', 'engine/tape', 'training/adamw', 'preference/dpo'],
  ...['models/unet', 'models/vae', 'models/clip-text', 'models/clip-model'],
].map((name) => join(root, 'test', `${name}.test.ts`));

describe('DPO_KERNELS=plain', () => {
  it('passes the parity tests, with no kernel of ours in the process', () => {
    const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const { status, stdout, stderr } = spawnSync(process.execPath, [mocha, ...parity], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, DPO_KERNELS: 'plain', DPO_KERNELS_FILE: '/none' },
    });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /operations, plain kernels/);
    assert.match(stdout, /unet-sd1 \(plain kernels, bf16\)/);
    assert.doesNotMatch(stdout, /fused kernels/);
  });
});
