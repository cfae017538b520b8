/** Our side of the cases without gradients. Each function sets one up and gives what is timed. */
import { noGrad } from '../../engine';
import type { ConfigJson } from '../../models';
import { decode, encode, unet, type Vae, vaeConfig, vaeWeights } from '../../models';
import { forBothImages } from '../../preference';
import type { Precision, Work } from './catalogue';
import { inPrecision } from './precision';
import { someUNet } from './training-works';
import { someTensor, someWeights } from './weights';

type WorkOf<K extends Work['kind']> = Extract<Work, { kind: K }>;

function someVae(json: ConfigJson): Vae {
  const config = vaeConfig(json);
  const parameters = someWeights(vaeWeights(config));
  return { config, parameters, p: parameters.tree() };
}

export function samplingRun(work: WorkOf<'sampling'>, precision: Precision): () => void {
  const { unet: sizes, pictures, steps, vae: vaeJson } = work;
  const { side, text } = sizes;
  const model = someUNet(sizes);
  const vae = vaeJson && someVae(vaeJson);
  const options = { encoderHiddenStates: someTensor([2 * pictures, ...text]) };
  const latents = someTensor([pictures, side, side, 4]);
  const timesteps = Array.from({ length: steps }, (_, i) => 1 + Math.floor((999 * i) / steps));
  timesteps.reverse();
  return () =>
    noGrad(() => {
      let x = latents;
      for (const timestep of timesteps) {
        const times = new Array(2 * pictures).fill(timestep);
        const both = inPrecision(precision, () => unet(model, forBothImages(x), times, options));
        const uncond = both.slice([0, 0, 0, 0], [pictures, -1, -1, -1]);
        const cond = both.slice([pictures, 0, 0, 0], [pictures, -1, -1, -1]);
        x = x.mul(0.9).add(uncond.add(cond.sub(uncond).mul(7.5)).mul(0.1));
      }
      (vae ? inPrecision(precision, () => decode(vae, x)) : x).floats();
    });
}

export function vaeRun(work: WorkOf<'vae'>, precision: Precision): () => void {
  const { way, config, side, tile } = work;
  const tiling = tile === undefined ? undefined : { tileSampleMinSize: tile };
  const vae = someVae(config);
  const x = someTensor(way === 'encode' ? [1, side, side, 3] : [1, side / 8, side / 8, 4]);
  const run =
    way === 'encode' ? () => encode(vae, x, { tiling }).mean : () => decode(vae, x, { tiling });
  return () => {
    noGrad(() => inPrecision(precision, run).floats());
  };
}
