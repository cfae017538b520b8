import assert from 'node:assert/strict';
import { tensor, valueAndGrad } from '../../../src/engine';
import { TorchGenerator } from '../../../src/random';
import { newVae } from '../../../src/toyworld/making/new-model';
import { vaeLoss } from '../../../src/toyworld/making/vae-loss';
import { VAE_JSON } from '../../../src/toyworld/model-configs';
import { assertClose } from '../../support/assert';

const TINY = { ...VAE_JSON, block_out_channels: [8, 8, 8] };

describe('vaeLoss', () => {
  const generator = new TorchGenerator(1);
  const vae = newVae(TINY, generator);
  const pixels = tensor(
    generator.rand(2 * 8 * 8 * 3).map((x) => 2 * x - 1),
    [2, 8, 8, 3],
  );
  const noise = tensor(generator.randn(2 * 2 * 2 * 4), [2, 2, 2, 4]);

  it('has the slope that its own values say, at a weight of each half', () => {
    for (const name of ['encoder.conv_in.weight', 'decoder.conv_out.bias', 'quant_conv.weight']) {
      const weight = vae.parameters.tensor(name);
      const { grads } = valueAndGrad(() => vaeLoss(vae, pixels, noise), [weight]);
      const slope = grads[0]?.floats()[0] ?? 0;
      const values = vae.parameters.read(name);
      const at = (shift: number) => {
        const moved = Float32Array.from(values);
        moved[0] = (moved[0] ?? 0) + shift;
        vae.parameters.write(name, moved);
        return vaeLoss(vae, pixels, noise).loss.item();
      };
      const measured = (at(3e-3) - at(-3e-3)) / 6e-3;
      vae.parameters.write(name, values);
      assertClose(slope, measured, { rtol: 0.05, atol: 3e-4, label: name });
    }
  });

  it('is |error| + 2 error² + 10⁻⁴ divergence', () => {
    const { loss, mse, kl } = vaeLoss(vae, pixels, noise);
    const l1 = loss.item() - 2 * mse.item() - 1e-4 * kl.item();
    assert.ok(l1 > 0 && l1 ** 2 <= mse.item()); // a mean of |x| is at most the root of the mean of x²
    assert.ok(kl.item() > 0);
  });
});
