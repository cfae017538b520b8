/** What `npm run bench` times. Weights are random: the arithmetic does not depend on them. */
import {
  accumulateGrads,
  conv2d,
  groupNorm,
  noGrad,
  Parameters,
  type Tensor,
  tensor,
  tidy,
  type WeightShape,
} from '../../engine';
import { initialise, type UNet, unet, unetConfig, unetWeights } from '../../models';
import { dpoLoss, forBothImages, sftLoss } from '../../preference';
import { TorchGenerator } from '../../random';
import { UNET_JSON } from '../../toyworld/model-configs';
import { AdamW } from '../../training';
import type { BenchCase } from './names';

const textLength = 20;

function normal(generator: TorchGenerator, shape: readonly number[]): Tensor {
  return tensor(generator.randn(shape.reduce((n, d) => n * d, 1)), shape);
}

/** Random weights in our layout; they are identically distributed, so their order does not matter. */
function randomWeights(weights: readonly WeightShape[], generator: TorchGenerator): Parameters {
  const ours = weights.map(([name, shape]): WeightShape => {
    const [o, i, h, w] = shape;
    return [name, w === undefined ? shape : [h ?? 0, w, i ?? 0, o ?? 0]];
  });
  const parameters = Parameters.allocate(ours);
  for (const [name, values] of initialise(weights, generator)) parameters.write(name, values);
  return parameters;
}

function worldUNet(generator: TorchGenerator): UNet {
  const config = unetConfig(UNET_JSON);
  const parameters = randomWeights(unetWeights(config), generator);
  return { config, parameters, p: parameters.tree() };
}

const conditioning = (generator: TorchGenerator, rows: number) => ({
  encoderHiddenStates: normal(generator, [rows, textLength, UNET_JSON.cross_attention_dim]),
});

function dpoTraining(generator: TorchGenerator, rows: number): () => void {
  const policy = worldUNet(generator);
  const parameters = policy.parameters.clone();
  const reference: UNet = { ...policy, parameters, p: parameters.tree() };
  const optimizer = new AdamW([policy.parameters]);
  const noise = forBothImages(normal(generator, [rows / 2, 8, 8, 4]));
  const noisyLatents = normal(generator, [rows, 8, 8, 4]);
  const timesteps = Array.from({ length: rows }, (_, i) => ((i % (rows / 2)) * 61) % 1000);
  const text = conditioning(generator, rows);
  return () =>
    tidy(() => {
      const refPred = noGrad(() => unet(reference, noisyLatents, timesteps, text));
      accumulateGrads(() =>
        dpoLoss(unet(policy, noisyLatents, timesteps, text), refPred, noise, { betaDpo: 2 }),
      ).loss.item();
      optimizer.step(1e-5, { maxGradNorm: 1 });
    });
}

function sampling(generator: TorchGenerator, pictures: number): () => void {
  const model = worldUNet(generator);
  const text = conditioning(generator, 2 * pictures);
  const latents = normal(generator, [pictures, 8, 8, 4]);
  return () =>
    noGrad(() => {
      let x = latents;
      for (const timestep of [751, 501, 251, 1]) {
        const both = unet(model, forBothImages(x), new Array(2 * pictures).fill(timestep), text);
        const uncond = both.slice([0, 0, 0, 0], [pictures, -1, -1, -1]);
        const cond = both.slice([pictures, 0, 0, 0], [pictures, -1, -1, -1]);
        x = x.mul(0.9).add(uncond.add(cond.sub(uncond).mul(7.5)).mul(0.1));
      }
      x.floats();
    });
}

function convTraining(generator: TorchGenerator, rows: number): () => void {
  const width = [3, 64, 64, 64, 3];
  const weights = width.slice(1).flatMap((out, i): WeightShape[] => [
    [`${i}.conv.weight`, [out, width[i] ?? 0, 3, 3]],
    [`${i}.conv.bias`, [out]],
    ...(i < 3
      ? ([
          [`${i}.norm.weight`, [out]],
          [`${i}.norm.bias`, [out]],
        ] as const)
      : []),
  ]);
  const parameters = randomWeights(weights, generator);
  const optimizer = new AdamW([parameters]);
  const [x, target] = [normal(generator, [rows, 16, 16, 3]), normal(generator, [rows, 16, 16, 3])];
  const net = () => {
    let h = x;
    for (let i = 0; i < 4; i++) {
      const bias = parameters.tensor(`${i}.conv.bias`);
      h = conv2d(h, parameters.tensor(`${i}.conv.weight`), { bias });
      if (i === 3) break;
      const [scale, offset] = ['weight', 'bias'].map((n) => parameters.tensor(`${i}.norm.${n}`));
      const norm = { groups: 8, epsilon: 1e-5, activation: 'silu' } as const;
      h = groupNorm(h, scale as Tensor, offset as Tensor, norm);
    }
    return h;
  };
  return () =>
    tidy(() => {
      accumulateGrads(() => sftLoss(net(), target)).loss.item();
      optimizer.step(1e-4, { maxGradNorm: 1 });
    });
}

const setUps: Readonly<Record<BenchCase, (generator: TorchGenerator) => () => void>> = {
  'train-16': (generator) => dpoTraining(generator, 16),
  'train-64': (generator) => dpoTraining(generator, 64),
  'sample-16': (generator) => sampling(generator, 16),
  'conv-64': (generator) => convTraining(generator, 64),
};

/** Sets a case up with random weights and gives the function to time. */
export const setUpCase = (name: BenchCase) => setUps[name](new TorchGenerator(0));
