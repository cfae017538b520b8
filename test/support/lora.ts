import { autocast, type MixedPrecision, type Tensor, tensor } from '../../src/engine';
import {
  type LoraConfig,
  type LoraUNet,
  type UNet,
  type UNetOptions,
  unet,
  withLora,
} from '../../src/models';
import { TorchGenerator } from '../../src/random';
import { fixtureTensor, jsonFixture, tensorFixture } from './fixtures';
import { channelsLast, wave } from './wave';

/** A case of make_lora.py. */
export interface LoraCase extends LoraConfig {
  readonly seed: number;
  readonly names: readonly string[];
  readonly parameters: number;
  /** How far torch.autocast is from float32. */
  readonly autocastError: { readonly out: number; readonly gradients: number };
}

/** DPO of the case `attention`. */
export interface LoraTraining {
  readonly betaDpo: number;
  readonly learningRate: number;
  readonly records: readonly { readonly loss: number; readonly gradNorm: number }[];
}

export const loraCases = jsonFixture<{
  readonly attention: LoraCase & { readonly training: LoraTraining };
  readonly wide: LoraCase;
}>('lora', 'lora.json');

const tensors = {
  attention: tensorFixture('lora', 'attention.safetensors'),
  wide: tensorFixture('lora', 'wide.safetensors'),
};

export type LoraCaseName = keyof typeof tensors;

/** A tensor of make_lora.py, as PyTorch lays it out. */
export const loraTensor = (name: LoraCaseName, key: string): Float32Array =>
  fixtureTensor(tensors[name], key).data as Float32Array;

/** Weights of which make_lora.py keeps the merged values. */
export const mergedNames = (name: LoraCaseName): string[] =>
  [...tensors[name].keys()].flatMap((key) => /^merged\.(.*)/.exec(key)?.slice(1) ?? []);

/** A new adapter of a case. */
export function caseAdapter(base: UNet, { seed, rank, alpha, targetModules }: LoraCase): LoraUNet {
  const generator = new TorchGenerator(seed);
  return withLora(base, { rank, alpha, targetModules, generator });
}

/** Gives every B the values of make_lora.py's forward pass. */
export function fillB({ adapter }: LoraUNet): void {
  const names = adapter.names.filter((name) => name.includes('.lora_B.'));
  names.forEach((name, i) => {
    adapter.write(
      name,
      wave(adapter.shape(name), i).map((x) => Math.fround(0.1) * x),
    );
  });
}

/** A feature map of make_lora.py, channels last. @param shape PyTorch's */
export function waveMap(shape: readonly number[], phase: number): Tensor {
  const [N = 0, C = 0, H = 0, W = 0] = shape;
  return tensor(channelsLast(wave(shape, phase), shape), [N, H, W, C]);
}

/** The forward pass of make_lora.py. */
export function caseForward(
  model: UNet,
  precision: MixedPrecision,
  recompute: UNetOptions['recompute'] = 'none',
): Tensor {
  const encoderHiddenStates = tensor(wave([2, 5, 32], 2), [2, 5, 32]);
  const sample = waveMap([2, 4, 8, 8], 1);
  return autocast(precision, () =>
    unet(model, sample, [10, 700], { encoderHiddenStates, recompute }),
  );
}

/** Its loss: Σ output · probe. */
export const probed = (output: Tensor): Tensor => output.mul(waveMap([2, 4, 8, 8], 3)).sum();
