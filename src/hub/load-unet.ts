import type { Model, UNetConfig, UNetParams } from '../models';
import { loadModel } from './model-folder';
import { UNET } from './model-kinds';
import { type ResolveOptions, resolvePart } from './remote/resolve';

/**
 * Loads a denoiser alone, which may stand in a pipeline for its own: `{ ...pipeline, unet }`. Whoever loaded it owns it.
 * @param name a folder of a pipeline or of a denoiser, or `owner/name` of the hub
 * @throws CheckpointError naming the file and what is wrong with it
 * @throws HubError where the hub or the network refuse
 */
export async function loadUNet(
  name: string,
  from: Omit<ResolveOptions, 'files' | 'without'> = {},
): Promise<Model<UNetConfig, UNetParams>> {
  const folder = await resolvePart(name, 'unet', from);
  return loadModel<UNetConfig, UNetParams>(folder, UNET, { variant: from.variant });
}
