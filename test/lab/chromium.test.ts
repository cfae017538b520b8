import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTemporaryFolder } from '../support/temporary';
import { findChromium } from './chromium';

describe('findChromium', () => {
  it('takes what DPO_CHROMIUM names, else the first usual place that has one', () =>
    inTemporaryFolder(async (folder) => {
      const [a, b] = [join(folder, 'a'), join(folder, 'b')];
      for (const file of [a, b]) writeFileSync(file, '');
      assert.equal(findChromium({ DPO_CHROMIUM: b }, [a]), b);
      assert.equal(findChromium({}, [join(folder, 'none'), b, a]), b);
      assert.equal(findChromium({}, [join(folder, 'none')]), undefined);
    }));

  it('does not take another where DPO_CHROMIUM names none', () =>
    assert.throws(() => findChromium({ DPO_CHROMIUM: '/nowhere' }, [__filename]), {
      message: 'DPO_CHROMIUM is "/nowhere", and there is no such file.',
    }));
});
