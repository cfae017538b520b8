import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendAll } from '../../src/training/append';
import { inTemporaryFolder } from '../support/temporary';

describe('appendAll', () => {
  it('appends, and names a file that cannot be written', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'metrics.jsonl');
      writeFileSync(path, 'a');
      const descriptor = openSync(path, 'a');
      appendAll({ descriptor, path }, Buffer.from('bc'));
      closeSync(descriptor);
      assert.equal(readFileSync(path, 'utf8'), 'abc');
      const readOnly = { descriptor: openSync(path, 'r'), path };
      assert.throws(
        () => appendAll(readOnly, Buffer.from('d')),
        /metrics\.jsonl could not be written \(EBADF/,
      );
      closeSync(readOnly.descriptor);
    }));
});
