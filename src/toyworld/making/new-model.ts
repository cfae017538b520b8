/** Untrained networks with the first weights that PyTorch and transformers would give them. */

import { toEngineLayout } from '../../hub/layout';
import { emptyModel, type ModelKind } from '../../hub/model-folder';
import { CLIP, CLIP_TEXT, UNET, VAE } from '../../hub/model-kinds';
import type { ClipModel, ClipText, ConfigJson, UNet, Vae } from '../../models';
import { initialise } from '../../models/init';
import type { TorchGenerator } from '../../random';
import { scorerJson } from '../model-configs';

export const newVae = (json: ConfigJson, generator: TorchGenerator): Vae =>
  newModel(json, VAE, generator);

export const newUNet = (json: ConfigJson, generator: TorchGenerator): UNet =>
  newModel(json, UNET, generator);

export const newClipText = (json: ConfigJson, generator: TorchGenerator): ClipText =>
  newModel(json, CLIP_TEXT, generator);

export const newClipModel = (json: ConfigJson, generator: TorchGenerator): ClipModel =>
  newModel(json, CLIP, generator);

/** The scorer: a CLIP model that knows from the start where its patches lie. */
export function newScorer(vocabularySize: number, generator: TorchGenerator): ClipModel {
  const clip = newClipModel(scorerJson(vocabularySize), generator);
  const { hiddenSize, imageSize, patchSize } = clip.config.vision;
  const side = imageSize / patchSize;
  const name = 'vision_model.embeddings.position_embedding.weight';
  const positions = clip.parameters.read(name);
  positions.set(waves(side, hiddenSize), hiddenSize); // after the class position
  clip.parameters.write(name, positions);
  return clip;
}

/** Amplitude of the waves; random positions have a deviation of 0.02, too faint to be learnt from in minutes. */
const WAVE = 0.2;

/**
 * Sines and cosines of x and of y, in wavelengths from 2π patches up, [side · side, width].
 * Source: Vaswani et al. 2017, §3.5, here with base 100, in two dimensions.
 */
function waves(side: number, width: number): Float32Array {
  const quarter = width / 4;
  const values = new Float32Array(side * side * width);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let k = 0; k < quarter; k++) {
        const frequency = 100 ** (-k / quarter);
        const angles = [x * frequency, y * frequency] as const;
        angles.forEach((angle, axis) => {
          const at = (y * side + x) * width + 2 * axis * quarter + k;
          values[at] = WAVE * Math.sin(angle);
          values[at + quarter] = WAVE * Math.cos(angle);
        });
      }
  return values;
}

function newModel<C, P>(json: ConfigJson, kind: ModelKind<C>, generator: TorchGenerator) {
  const model = emptyModel<C, P>(json, kind);
  const weights = kind.weights(model.config);
  const shapes = new Map(weights);
  for (const [name, values] of initialise(weights, generator))
    model.parameters.write(name, toEngineLayout(values, shapes.get(name) ?? []));
  return model;
}
