/** One model of a pipeline out of a file: the model alone under diffusers' names or the original ones, or a whole checkpoint. */
import type { Model, UNetConfig, UNetParams, VaeConfig, VaeParams } from '../../models';
import { CheckpointError } from '../checkpoint-error';
import { checkedConfig, type ModelKind } from '../model-folder';
import { UNET, VAE } from '../model-kinds';
import type { ConfigFile } from '../pipeline-parts';
import { openTensors } from '../tensor-file';
import type { StoredTensor, TensorSource } from '../tensor-source';
import { loadWeights } from '../weights';
import { checkAllUsed, originalUnet, originalVae, UNET_PREFIX, VAE_PREFIX } from './family';
import type { Rule } from './stored-as';
import { viewModel } from './stored-views';

/** A denoiser out of a file. @param config that of the pipeline's own, whose place it takes */
export const unetFromFile = (
  path: string,
  config: ConfigFile,
): Promise<Model<UNetConfig, UNetParams>> =>
  fromFile<UNetConfig, UNetParams>(path, config, UNET, UNET_PREFIX, originalUnet);

/** An autoencoder out of a file. @param config that of the pipeline's own: no file tells the scale of its latents */
export const vaeFromFile = (
  path: string,
  config: ConfigFile,
): Promise<Model<VaeConfig, VaeParams>> =>
  fromFile<VaeConfig, VaeParams>(path, config, VAE, VAE_PREFIX, originalVae);

/**
 * Whose names a file has is told by how many of the model's it has.
 * @throws CheckpointError where a tensor is missing, of another shape, or read by nothing
 */
async function fromFile<C extends { readonly json: object }, P>(
  path: string,
  { path: configPath, json }: ConfigFile,
  kind: ModelKind<C>,
  prefix: string,
  original: (config: C) => Rule,
): Promise<Model<C, P>> {
  const config = checkedConfig(configPath, json, kind);
  const weights = kind.weights(config);
  const rule = original(config);
  const source = await openTensors(path);
  try {
    const part = behindPrefix(source, prefix);
    const count = (names: Iterable<string>, { entries }: TensorSource) =>
      [...names].filter((name) => entries.has(name)).length;
    const own = weights.map(([name]) => name);
    const isOriginal =
      count(own, source) <
      count(
        own.map((name) => rule(name).name),
        part,
      );
    const used = new Set<string>();
    const files = isOriginal
      ? viewModel(part, weights, rule, used)
      : {
          path,
          weights: new Map(
            [...source.entries.keys()].map((name) => [name, { file: source, name }]),
          ),
          close: () => source.close(),
        };
    if (isOriginal) checkAllUsed(part, used, undefined);
    const parameters = await loadWeights(files, weights, isOriginal ? () => [] : kind.aliases);
    return { config, parameters, p: parameters.tree<P>() };
  } finally {
    await source.close();
  }
}

/** What stands behind a prefix; in a file of one model alone, whose names have none, all of it. */
function behindPrefix(source: TensorSource, prefix: string): TensorSource {
  const names = [...source.entries.keys()];
  const isWhole = names.some((name) => name.startsWith(prefix));
  const stored = new Map(
    isWhole
      ? names.filter((name) => name.startsWith(prefix)).map((name) => [name, name])
      : names.map((name) => [`${prefix}${name}`, name]),
  );
  const entries = new Map<string, StoredTensor>();
  for (const [seen, name] of stored) {
    const entry = source.entries.get(name);
    if (entry) entries.set(seen, entry);
  }
  const own = (seen: string): string => {
    const name = stored.get(seen);
    if (name === undefined) throw new CheckpointError(source.path, `it has no tensor "${seen}".`);
    return name;
  };
  return {
    path: source.path,
    entries,
    readBytes: (seen, bytes, begin) => source.readBytes(own(seen), bytes, begin),
    region: (seen) => source.region(own(seen)),
    close: () => source.close(),
  };
}
