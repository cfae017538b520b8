/** The kernel stands on what tslab keeps to itself; who changes its version is to look at that again. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');
const read = (...parts: string[]) => readFileSync(join(root, ...parts), 'utf8');

/** What of tslab 1.0.22 is loaded or replaced, and by which file of kernels/typescript. */
const USED = {
  'converter.js': '2c671708872c2ad7', // cell-compiler.ts, typescript-host.ts
  'executor.js': '0a9b6c73679be616', // cell-runner.ts
  'inspect.js': '93850c1aa51df5b9', // cell-compiler.ts
  'metadata.js': '3cee7161252f61f7', // cell-runner.ts
  'jupyter.js': '186ae73149b28033', // notebook-api.ts
  'public.js': '356dbf62ce5b5f18', // notebook-api.ts
};

describe('tslab', () => {
  it('is the version that the kernel was written against', () => {
    const { dependencies } = JSON.parse(read('package.json'));
    assert.equal(dependencies.tslab, '1.0.22');
    assert.equal(dependencies['@tslab/typescript-for-tslab'], '5.0.4');
    for (const name of ['tslab', '@tslab/typescript-for-tslab'] as const)
      assert.equal(
        JSON.parse(read('node_modules', name, 'package.json')).version,
        dependencies[name],
      );
  });

  for (const [name, hash] of Object.entries(USED)) {
    it(`has in ${name} what the kernel relies on`, () => {
      const text = read('node_modules/tslab/dist', name);
      assert.equal(createHash('sha256').update(text).digest('hex').slice(0, 16), hash);
    });
  }
});
