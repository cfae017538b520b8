/** Our side of the cases that compute gradients. Each function sets one up and gives what is timed. */
import {
  accumulateGrads,
  conv2d,
  groupNorm,
  noGrad,
  type Tensor,
  tidy,
  valueAndGrad,
  type WeightOptions,
  type WeightShape,
} from '../../engine';
import { type UNet, unet, unetConfig, unetWeights, withLora } from '../../models';
import * as nn from '../../nn';
import { dpoLoss, forBothImages, sftLoss } from '../../preference';
import { TorchGenerator } from '../../random';
import { AdamW } from '../../training';
import type { Denoiser, Precision, Work } from './catalogue';
import { inPrecision } from './precision';
import { someTensor, someWeights } from './weights';

type WorkOf<K extends Work['kind']> = Extract<Work, { kind: K }>;

export function someUNet({ config: json }: Denoiser, options: WeightOptions = {}): UNet {
  const config = unetConfig(json);
  const parameters = someWeights(unetWeights(config), options);
  return { config, parameters, p: parameters.tree() };
}

/** A reference, a policy, and an optimizer of what is trained of it. */
function contestants(work: WorkOf<'dpo-step'>, precision: Precision) {
  const { unet: sizes, lora, reference: asked = 'float32' } = work;
  const matrices = precision === 'bf16' ? 'bfloat16' : asked; // in bf16 the same numbers come out
  if (lora) {
    const reference = someUNet(sizes, { matrices });
    const { model, adapter } = withLora(reference, { ...lora, generator: new TorchGenerator(0) });
    return { policy: model, reference, optimizer: new AdamW([adapter]) };
  }
  const policy = someUNet(sizes);
  const parameters = policy.parameters.clone({ matrices });
  const reference: UNet = { ...policy, parameters, p: parameters.tree() };
  return { policy, reference, optimizer: new AdamW([policy.parameters]) };
}

export function dpoStepRun(work: WorkOf<'dpo-step'>, precision: Precision): () => void {
  const { unet: sizes, rows, recompute } = work;
  const { policy, reference, optimizer } = contestants(work, precision);
  const { side, text } = sizes;
  const noise = forBothImages(someTensor([rows / 2, side, side, 4]));
  const noisyLatents = someTensor([rows, side, side, 4]);
  const timesteps = Array.from({ length: rows }, (_, i) => ((i % (rows / 2)) * 61 + 10) % 1000);
  const options = { encoderHiddenStates: someTensor([rows, ...text]), recompute };
  const predict = (model: UNet) =>
    inPrecision(precision, () => unet(model, noisyLatents, timesteps, options));
  return () =>
    tidy(() => {
      const refPred = noGrad(() => predict(reference));
      accumulateGrads(() => dpoLoss(predict(policy), refPred, noise, { betaDpo: 2 })).loss.item();
      optimizer.step(1e-5, { maxGradNorm: 1 });
    });
}

/** Value and gradients, of input and weights, of the sum of what `block` gives. */
function gradients(
  shape: readonly number[],
  precision: Precision,
  block: (x: Tensor) => Tensor,
): () => void {
  const x = someTensor(shape).cast(precision === 'bf16' ? 'bfloat16' : 'float32');
  return () =>
    tidy(() => {
      const run = () => inPrecision(precision, () => block(x)).sum();
      valueAndGrad(run, [x]).value.item();
    });
}

const BLOCK_NORM = { groups: 32, epsilon: 1e-5 };

export function resnetRun({ channels, side }: WorkOf<'resnet'>, precision: Precision): () => void {
  const shape = { inputs: channels, outputs: channels, timeChannels: 1280 };
  const weights = someWeights(nn.resnetWeights('r', shape)).trainable();
  const { r } = weights.tree<{ r: nn.ResnetBlock }>();
  const timeFeatures = someTensor([1, 1280]);
  return gradients([1, side, side, channels], precision, (x) =>
    nn.resnetBlock(r, x, { ...BLOCK_NORM, timeFeatures }),
  );
}

export function transformerRun(work: WorkOf<'transformer'>, precision: Precision): () => void {
  const { channels, side } = work;
  const sizes = { channels, contextChannels: 768, layers: 1, projection: 'conv' } as const;
  const weights = someWeights(nn.transformer2dWeights('t', sizes)).trainable();
  const { t } = weights.tree<{ t: nn.Transformer2d }>();
  const encoderHiddenStates = someTensor([1, 77, 768]);
  return gradients([1, side, side, channels], precision, (x) =>
    nn.transformer2d(t, x, { heads: 8, groups: BLOCK_NORM.groups, encoderHiddenStates }),
  );
}

export function convNetRun({ rows }: WorkOf<'conv-net'>): () => void {
  const widths = [3, 64, 64, 64, 3];
  const weights = widths
    .slice(1)
    .flatMap((out, i): WeightShape[] => [
      ...nn.conv2dWeights(`${i}.conv`, widths[i] ?? 0, out),
      ...(i < 3 ? nn.normWeights(`${i}.norm`, out) : []),
    ]);
  const parameters = someWeights(weights);
  const optimizer = new AdamW([parameters]);
  const layers = parameters.tree<readonly { conv: nn.Conv2d; norm?: nn.Norm }[]>();
  const [x, target] = [someTensor([rows, 16, 16, 3]), someTensor([rows, 16, 16, 3])];
  const norm = { groups: 8, epsilon: 1e-5, activation: 'silu' } as const;
  const net = () =>
    [0, 1, 2, 3].reduce((h, i) => {
      const { conv, norm: p } = layers[i] as (typeof layers)[number];
      const y = conv2d(h, conv.weight, { bias: conv.bias });
      return p ? groupNorm(y, p.weight, p.bias, norm) : y;
    }, x);
  return () =>
    tidy(() => {
      accumulateGrads(() => sftLoss(net(), target)).loss.item();
      optimizer.step(1e-4, { maxGradNorm: 1 });
    });
}
