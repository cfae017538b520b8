import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';
import { fullSizeStep } from './step';

const folder = fixturePath('full-size');

/** The account of memory is read from /proc. */
const linux = process.platform === 'linux';

describe('fullSizeStep, on a small UNet', () => {
  it("finds PyTorch's loss and gradients, and leaves no tensor", async () => {
    if (!linux) return assert.rejects(fullSizeStep(folder), /Peak memory/);
    const before = tensorCount();
    const { torch, loss, overall, worst, peak, loadGrowth } = await fullSizeStep(folder);
    assert.ok(Math.abs(loss / torch.loss - 1) < 1e-5, `loss ${loss}, torch ${torch.loss}`);
    assert.ok(overall < 1e-4 && overall > 0, `gradient ${overall}`);
    assert.ok(worst.error < 1e-3, `${worst.name} ${worst.error}`);
    assert.ok(peak > loadGrowth);
    assert.equal(tensorCount(), before);
  });

  it('tells weights that are not the policy’s', () =>
    inTemporaryFolder(async (copy) => {
      if (!linux) return;
      await cp(folder, copy, { recursive: true });
      await cp(join(folder, 'reference'), join(copy, 'policy'), { recursive: true });
      const { overall, worst } = await fullSizeStep(copy);
      assert.ok(overall > 0.1 && worst.error >= overall, `${overall}, ${worst.error}`);
    }));
});
