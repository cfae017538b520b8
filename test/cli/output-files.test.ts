import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkOutputs, outputNames } from '../../src/cli/output-files';
import { inTemporaryFolder } from '../support/temporary';

describe('outputNames', () => {
  it('numbers several pictures so that they sort', () => {
    assert.deepEqual(outputNames('a/out.png', 1), ['a/out.png']);
    assert.deepEqual(outputNames('a.b/out.PNG', 2), ['a.b/out-0.PNG', 'a.b/out-1.PNG']);
    assert.equal(outputNames('out.png', 11)[3], 'out-03.png');
  });
});

describe('checkOutputs', () => {
  it('refuses to overwrite unless told to, and names what is in the way', () =>
    inTemporaryFolder(async (folder) => {
      const paths = outputNames(join(folder, 'out.png'), 2);
      await checkOutputs(paths, 'refuse');
      writeFileSync(paths[1] ?? '', 'mine');
      await assert.rejects(
        checkOutputs(paths, 'refuse'),
        /out-1\.png exists; it is not overwritten/,
      );
      await checkOutputs(paths, 'replace');
      await assert.rejects(
        checkOutputs([join(folder, 'no', 'out.png')], 'replace'),
        /The folder .*no does not exist; make it, or choose another --output/,
      );
    }));
});
