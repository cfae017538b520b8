import assert from 'node:assert/strict';
import { churn } from '../torture/engine';

const int32Ends = 2 ** 31;

describe('handles past the end of int32', () => {
  it('are found, read and freed as before: nothing is lost, no handle and no memory is left', () => {
    const account = churn(40_000, 8192, int32Ends - 20_000);
    assert.ok(account.firstId < int32Ends && account.lastId > int32Ends + 20_000, 'ids crossed it');
    assert.equal(account.operations, 40_000);
    assert.equal(account.wrong, 0);
    assert.equal(account.handles, 0);
    // Each turn of eight operations makes and frees about 60 KB: 300 MB in all.
    assert.ok(account.bytes < 64e6, `resident memory grew by ${account.bytes} bytes`);
  });
});
