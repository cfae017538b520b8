/** An adapter out of what training changed. */
import { Parameters, svd, tensor, tidy } from '../engine';
import { attachLora, type LoraConfig, type LoraUNet, loraConfig, loraWeights } from './lora';
import type { UNet } from './unet';

/**
 * The adapter of a rank that comes closest to the difference between two denoisers, layer by layer: the largest singular
 * values of W′ − W (Eckart and Young 1936). Each factor has their roots. The caller owns the adapter; it is on the base.
 * @param options.rank at most the smaller side of the smallest layer
 * @throws RangeError where the two are not of one architecture
 */
export function extractLora(
  base: UNet,
  tuned: UNet,
  options: Pick<LoraConfig, 'rank'> & Partial<Pick<LoraConfig, 'targetModules'>>,
  onLayer: (done: number, total: number) => void = () => undefined,
): LoraUNet {
  const config = loraConfig(options); // alpha = rank: the factors are the change itself
  const shapes = loraWeights(base.config, config);
  const other = new Map(loraWeights(tuned.config, config).map(([name, shape]) => [name, shape]));
  if (
    other.size !== shapes.length ||
    shapes.some(([name, s]) => String(other.get(name)) !== String(s))
  )
    throw new RangeError('LoRA: the two denoisers are not of one architecture.');
  for (const [name] of shapes) {
    const sides = base.parameters.shape(weightOf(name));
    if (config.rank > Math.min(...sides))
      throw new RangeError(
        `LoRA: "${layerOf(name)}" is [${sides}], whose rank cannot be ${config.rank}; choose a smaller one.`,
      );
  }
  const adapter = Parameters.allocate(shapes);
  const names = [...new Set(shapes.map(([name]) => layerOf(name)))];
  for (const [i, layer] of names.entries()) {
    const [A, B] = factors(base, tuned, layer, config.rank);
    adapter.write(`${layer}.lora_A.weight`, A);
    adapter.write(`${layer}.lora_B.weight`, B);
    onLayer(i + 1, names.length);
  }
  return attachLora(base, adapter, config);
}

const layerOf = (name: string) => name.replace(/\.lora_[AB]\.weight$/, '');
const weightOf = (name: string) => `${layerOf(name)}.weight`;

/** A [rank, in] and B [out, rank], B A ≈ W′ − W. */
function factors(base: UNet, tuned: UNet, layer: string, rank: number) {
  const weight = `${layer}.weight`;
  const [out = 0, inputs = 0] = base.parameters.shape(weight);
  const change = tuned.parameters.read(weight);
  const before = base.parameters.read(weight);
  for (let i = 0; i < change.length; i++) change[i] = (change[i] ?? 0) - (before[i] ?? 0);
  return tidy((): readonly [Float32Array, Float32Array] => {
    const { s, u, v } = svd(tensor(change, [out, inputs]));
    const root = s.slice([0], [rank]).sqrt(); // [rank]
    const B = u.slice([0, 0], [out, rank]).mul(root);
    const A = v.slice([0, 0], [inputs, rank]).mul(root).transpose([1, 0]);
    return [A.floats(), B.floats()];
  });
}
