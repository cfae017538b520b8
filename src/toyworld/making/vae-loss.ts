// B pictures, H × W pixels, C channels, h × w latent positions, Z latent channels
import { scoped, type Tensor } from '../../engine';
import { decode, encode, samplePosterior, type Vae } from '../../models';

/** Weight of the divergence per latent number; small, so that pictures stay sharp. */
const KL_WEIGHT = 1e-4;
/** Weight of the squared error beside the absolute one. */
const MSE_WEIGHT = 2;

export interface VaeLoss {
  readonly loss: Tensor;
  readonly mse: Tensor;
  readonly kl: Tensor;
}

/**
 * |x̂ − x| + 2 (x̂ − x)² + 10⁻⁴ KL, each a mean over its numbers (Kingma and Welling 2014, eq. 10
 * for the divergence ½ (μ² + σ² − 1 − log σ²)).
 * @param pixels in −1…1, [B, H, W, C]
 * @param noise standard normal, [B, h, w, Z]
 */
export const vaeLoss = scoped('vaeLoss', (vae: Vae, pixels: Tensor, noise: Tensor): VaeLoss => {
  const posterior = encode(vae, pixels);
  const error = decode(vae, samplePosterior(posterior, noise)).sub(pixels);
  const { mean, logvar } = posterior;
  const kl = mean.square().add(logvar.exp()).sub(1).sub(logvar).mul(0.5).mean();
  const mse = error.square().mean();
  const loss = error.abs().mean().add(mse.mul(MSE_WEIGHT)).add(kl.mul(KL_WEIGHT));
  return { loss, mse, kl };
});
