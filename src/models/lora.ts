/** Adapters of low rank (LoRA) for the denoiser's linear layers. Source: Hu et al. 2021, arXiv 2106.09685. */
import { Parameters, tidy, type WeightShape } from '../engine';
import type { Lora } from '../nn';
import type { TorchGenerator } from '../random';
import type { UNet } from './unet';
import type { UNetConfig } from './unet-config';
import { type UNetParams, unetWeights } from './unet-weights';

/** What an adapter is like. */
export interface LoraConfig {
  /** Rows of A, columns of B: peft's `r`. */
  readonly rank: number;
  /** The change to a weight is alpha / rank · B A. */
  readonly alpha: number;
  /** Linear layers of this name, or whose name ends with `.` and this. */
  readonly targetModules: readonly string[];
}

export interface LoraOptions extends Partial<LoraConfig> {
  /** Of A's first values. B starts at zero, so that the adapter changes nothing. */
  readonly generator: TorchGenerator;
}

/** A policy on frozen weights, which are its reference as they stand: one denoiser in memory. */
export interface LoraUNet {
  /** The denoiser with its adapter. Its `parameters` are the frozen base's own. */
  readonly model: UNet;
  /** What is trained: `<layer>.lora_A.weight` [rank, in] and `<layer>.lora_B.weight` [out, rank]. */
  readonly adapter: Parameters;
  readonly config: LoraConfig;
}

/** The projections of all attentions, as diffusers' DPO scripts have it. */
const ATTENTION = ['to_k', 'to_q', 'to_v', 'to_out.0'] as const;

/** Rank 4, alpha as the rank, all attentions: the defaults of diffusers' `train_diffusion_dpo.py`. */
export function loraConfig(options: Partial<LoraConfig> = {}): LoraConfig {
  const { rank = 4, targetModules = ATTENTION } = options;
  const { alpha = rank } = options;
  if (!Number.isInteger(rank) || rank < 1)
    throw new RangeError(`The rank of an adapter is a positive integer; got ${rank}.`);
  if (!(alpha > 0 && Number.isFinite(alpha)))
    throw new RangeError(`The alpha of an adapter is a positive number; got ${alpha}.`);
  if (targetModules.length === 0)
    throw new RangeError('An adapter needs the name of at least one layer in targetModules.');
  return { rank, alpha, targetModules };
}

/**
 * Puts a new adapter on a denoiser, which stays as it is: the reference. The same seed gives the values of peft's
 * `init_lora_weights="gaussian"`. The caller owns the adapter.
 * @throws RangeError where a target is no linear layer, TypeError where the base is being trained
 */
export function withLora(base: UNet, { generator, ...options }: LoraOptions): LoraUNet {
  const config = loraConfig(options);
  requireFrozen(base);
  const shapes = loraWeights(base.config, config);
  const adapter = Parameters.allocate(shapes);
  for (const [name, values] of initialLora(shapes, config, generator)) adapter.write(name, values);
  return attachLora(base, adapter, config);
}

/** Puts an adapter's weights, of the names and shapes of `loraWeights`, on a denoiser. */
export function attachLora(base: UNet, adapter: Parameters, config: LoraConfig): LoraUNet {
  requireFrozen(base);
  const p = base.parameters.tree<UNetParams>(); // a tree of its own; the tensors are the base's
  for (const { name } of targetLayers(base.config, config))
    Object.assign(nodeAt(p, name), { lora: loraOf(name, adapter, config) });
  return { model: { ...base, p }, adapter, config };
}

/** @throws TypeError where a base is being trained. */
export function requireFrozen({ parameters }: UNet): void {
  if (parameters.isTrainable)
    throw new TypeError('LoRA: the base of an adapter is frozen, but this one is being trained.');
}

/** A denoiser of its own in float32 with the adapter added to its weights: W + alpha / rank · B A. */
export function mergeLora({ model, adapter, config }: LoraUNet): UNet {
  const parameters = model.parameters.clone({ matrices: 'float32' });
  for (const { name } of targetLayers(model.config, config))
    tidy(() => {
      const { A, B, scale } = loraOf(name, adapter, config);
      const W = parameters.tensor(`${name}.weight`);
      parameters.write(`${name}.weight`, W.add(B.matmul(A).mul(scale)).floats());
    });
  return { config: model.config, parameters, p: parameters.tree() };
}

/** Names and shapes of an adapter's weights, in the order of peft. */
export function loraWeights(unet: UNetConfig, config: LoraConfig): WeightShape[] {
  const { rank } = config;
  return targetLayers(unet, config).flatMap(({ name, inputs, outputs }): WeightShape[] => [
    [`${name}.lora_A.weight`, [rank, inputs]],
    [`${name}.lora_B.weight`, [outputs, rank]],
  ]);
}

/** How many numbers an adapter trains. */
export function loraParameterCount(unet: UNetConfig, options: Partial<LoraConfig> = {}): number {
  const shapes = loraWeights(unet, loraConfig(options));
  return shapes.reduce((sum, [, [rows = 0, columns = 0]]) => sum + rows * columns, 0);
}

interface TargetLayer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** The layers that a configuration names, in the order of the state dict. */
function targetLayers(unet: UNetConfig, { targetModules }: LoraConfig): TargetLayer[] {
  const layers = unetWeights(unet).flatMap(([weight, shape]) =>
    weight.endsWith('.weight') ? [{ name: weight.slice(0, -'.weight'.length), shape }] : [],
  );
  const isNamed = (name: string, target: string) => name === target || name.endsWith(`.${target}`);
  for (const target of targetModules)
    if (!layers.some(({ name }) => isNamed(name, target)))
      throw new RangeError(`LoRA: the denoiser has no layer "${target}" to put an adapter on.`);
  return layers
    .filter(({ name }) => targetModules.some((target) => isNamed(name, target)))
    .map(({ name, shape }) => {
      const [outputs, inputs, ...kernel] = shape;
      if (outputs === undefined || inputs === undefined || kernel.length > 0)
        throw new RangeError(
          `LoRA: an adapter goes on a linear layer; the weight of "${name}" is [${shape}].`,
        );
      return { name, inputs, outputs };
    });
}

function loraOf(layer: string, adapter: Parameters, { rank, alpha }: LoraConfig): Lora {
  const [A, B] = ['A', 'B'].map((part) => adapter.tensor(`${layer}.lora_${part}.weight`));
  return { A, B, scale: alpha / rank } as Lora;
}

/** A layer's node in a tree, by the layer's name. */
function nodeAt(tree: object, name: string): object {
  return name
    .split('.')
    .reduce((node, part) => (node as Record<string, object>)[part] as object, tree);
}

/**
 * First values of every A: normal of deviation 1 / rank. peft makes both matrices by PyTorch's rule for linear layers
 * before it fills them, which takes a uniform number for each of theirs.
 */
function* initialLora(
  shapes: readonly WeightShape[],
  { rank }: LoraConfig,
  generator: TorchGenerator,
): Generator<readonly [name: string, values: Float32Array]> {
  const std = Math.fround(1 / rank);
  for (let i = 0; i < shapes.length; i += 2) {
    const [[name, a], [, b]] = shapes.slice(i, i + 2) as [WeightShape, WeightShape];
    const size = ([rows = 0, columns = 0]: readonly number[]) => rows * columns;
    generator.rand(size(a) + size(b));
    yield [name, generator.randn(size(a)).map((x) => x * std)];
  }
}
