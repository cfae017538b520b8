import type { WeightShape } from '../../engine';
import type { Model } from '../../models';
import type { WeightDType } from '../model-folder';
import { textSuffixes } from '../model-index';
import { TEXT_KINDS, UNET, VAE } from '../model-kinds';
import type { Pipeline } from '../pipeline';
import { type Digests, type TensorToWrite, writeSafetensors } from '../safetensors-writer';
import { elementCount } from '../tensor-source';
import { torchWeight } from '../weights';
import { type FamilyName, originalText, originalUnet, originalVae, textsOf } from './family';
import type { Rule, StoredAs } from './stored-as';

/** How to write a single file. */
export interface SingleFileSaveOptions {
  /** @default 'F32' */
  readonly dtype?: WeightDType;
}

/**
 * Writes a pipeline as one safetensors file of the original layout, as CompVis and Stability published theirs. The file
 * has no tokenizer, no scheduler and no config. One that exists is replaced.
 * @returns the file's digest
 */
export async function saveSingleFile(
  pipeline: Pipeline,
  path: string,
  { dtype = 'F32' }: SingleFileSaveOptions = {},
): Promise<Digests> {
  const { unet, vae, textEncoder, textEncoder2 } = pipeline;
  const texts = [textEncoder, textEncoder2];
  const originals = textsOf(familyOf(pipeline));
  const tensors = [
    ...stored(unet, UNET.weights(unet.config), originalUnet(unet.config), dtype),
    ...stored(vae, VAE.weights(vae.config), originalVae(vae.config), dtype),
    ...originals.flatMap((original, i) => {
      const text = texts[i];
      if (!text) return [];
      const weights = TEXT_KINDS[original.suffix].weights(text.config);
      return stored(text, weights, originalText(original), dtype);
    }),
  ];
  return writeSafetensors(path, tensors);
}

/** 1.x and 2.x differ in who wrote the text encoder, which its activation tells. */
function familyOf({ modelIndex, textEncoder }: Pipeline): FamilyName {
  const suffixes = String(textSuffixes(modelIndex));
  if (suffixes === ',_2') return 'sdxl';
  if (suffixes === '_2') return 'refiner';
  return textEncoder.config.activation === 'gelu' ? 'sd2' : 'sd1';
}

/** A model's tensors as the original has them: thirds joined, the rest one to one. */
function stored(
  { parameters }: Model<unknown, unknown>,
  weights: readonly WeightShape[],
  rule: Rule,
  dtype: WeightDType,
): TensorToWrite[] {
  const groups = new Map<string, WeightShape[]>();
  for (const weight of weights) {
    const { name } = rule(weight[0]);
    groups.set(name, [...(groups.get(name) ?? []), weight]);
  }
  return [...groups].map(([name, group]) => {
    const parts = group
      .map((weight) => ({ weight, as: rule(weight[0]) }))
      .sort((a, b) => (a.as.third ?? 0) - (b.as.third ?? 0));
    const [first] = parts as [(typeof parts)[number]];
    const shape = storedShape(first.weight[1], first.as);
    const data = () => {
      const joined = new Float32Array(elementCount(shape));
      let at = 0;
      for (const { weight, as } of parts) {
        const values = torchWeight(parameters, weight, dtype);
        joined.set(as.form === 'transposed' ? turned(values, weight[1]) : values, at);
        at += values.length;
      }
      return joined;
    };
    return { name, dtype, shape, data };
  });
}

function storedShape(shape: readonly number[], { third, form }: StoredAs): readonly number[] {
  const [first = 0, ...rest] = shape;
  if (third !== undefined) return [3 * first, ...rest];
  if (form === 'transposed') return [...shape].reverse();
  return form === 'convolution' ? [...shape, 1, 1] : shape;
}

/** [out, in] → [in, out]. */
function turned(data: Float32Array, [rows = 0, columns = 0]: readonly number[]): Float32Array {
  return data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}
