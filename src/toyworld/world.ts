/** The embedded world as it lies in `data/`. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openPairs, type PreferencePairs } from '../data';
import {
  type ClipFolder,
  disposePipeline,
  loadClipModel,
  loadPipeline,
  type Pipeline,
} from '../hub';

export interface World {
  /** The base model, with everything to draw and to train. */
  readonly base: Pipeline;
  /** Decided comparisons of the base's own pictures. */
  readonly trainPairs: PreferencePairs;
  readonly heldoutPairs: PreferencePairs;
  /** Captions of combinations that no training caption names. */
  readonly heldoutPrompts: readonly string[];
  /** CLIP trained with PickScore's objective on the training labels. */
  readonly scorer: ClipFolder;
  dispose(): void;
}

/** `data/` of this checkout. */
export const WORLD_FOLDER = resolve(__dirname, '..', '..', 'data');

/** Loads the world. Throws CheckpointError or ParquetError naming the file that is wrong. */
export async function loadWorld(folder = WORLD_FOLDER): Promise<World> {
  const base = await loadPipeline(join(folder, 'base'));
  const scorer = await loadClipModel(join(folder, 'scorer'));
  const prompts = readFileSync(join(folder, 'prompts', 'heldout.json'), 'utf8');
  return {
    base,
    scorer,
    trainPairs: await openPairs(join(folder, 'pairs'), { split: 'train' }),
    heldoutPairs: await openPairs(join(folder, 'pairs'), { split: 'heldout' }),
    heldoutPrompts: JSON.parse(prompts) as string[],
    dispose: () => {
      disposePipeline(base);
      scorer.model.parameters.dispose();
    },
  };
}
