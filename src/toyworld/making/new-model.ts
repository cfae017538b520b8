/** Untrained networks with the first weights that PyTorch and transformers would give them. */

import { toEngineLayout } from '../../hub/layout';
import { emptyModel, type ModelKind } from '../../hub/model-folder';
import { CLIP, CLIP_TEXT, UNET, VAE } from '../../hub/model-kinds';
import type { ClipModel, ClipText, ConfigJson, UNet, Vae } from '../../models';
import { initialise } from '../../models/init';
import type { TorchGenerator } from '../../random';

export const newVae = (json: ConfigJson, generator: TorchGenerator): Vae =>
  newModel(json, VAE, generator);

export const newUNet = (json: ConfigJson, generator: TorchGenerator): UNet =>
  newModel(json, UNET, generator);

export const newClipText = (json: ConfigJson, generator: TorchGenerator): ClipText =>
  newModel(json, CLIP_TEXT, generator);

export const newClipModel = (json: ConfigJson, generator: TorchGenerator): ClipModel =>
  newModel(json, CLIP, generator);

function newModel<C, P>(json: ConfigJson, kind: ModelKind<C>, generator: TorchGenerator) {
  const model = emptyModel<C, P>(json, kind);
  const weights = kind.weights(model.config);
  const shapes = new Map(weights);
  for (const [name, values] of initialise(weights, generator))
    model.parameters.write(name, toEngineLayout(values, shapes.get(name) ?? []));
  return model;
}
