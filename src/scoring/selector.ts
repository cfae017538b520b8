/** Scorers by the names that `--choice_model` takes. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Selector } from '../data';
import { type ClipFolder, loadClipModel } from '../hub';
import { clipScores } from './clip-score';

/** The scorer of the embedded world. */
export const EMBEDDED_SCORER = resolve(__dirname, '..', '..', 'data', 'scorer');

/** The original's scorers, whose weights are not part of this project. */
export const ORIGINAL_SELECTORS = ['aes', 'clip', 'hps', 'pickscore'] as const;

/** A CLIP model as a selector: the cosine of picture and prompt. Whoever loaded the model owns it. */
export function clipSelector(name: string, clip: ClipFolder): Selector {
  return {
    name,
    score: (images, prompt) =>
      clipScores(
        clip,
        images,
        images.map(() => prompt),
      ),
  };
}

/** A selector with the weights it loaded. */
export interface OpenedSelector extends Selector {
  dispose(): void;
}

/**
 * Opens `embedded`, or the folder of a CLIP model in transformers' layout.
 *
 * @throws RangeError for the original's scorers and for what is no folder.
 * @throws CheckpointError if the folder is no CLIP model.
 */
export async function openSelector(choiceModel: string): Promise<OpenedSelector> {
  const folder = choiceModel === 'embedded' ? EMBEDDED_SCORER : choiceModel;
  const isFolder = existsSync(join(folder, 'config.json')) && statSync(folder).isDirectory();
  const isOriginal = (ORIGINAL_SELECTORS as readonly string[]).includes(choiceModel);
  if (!isFolder && isOriginal) {
    throw new RangeError(
      `The scorer "${choiceModel}" comes with weights of its own, which cannot be loaded yet; ` +
        'choice_model takes "embedded" or the folder of a CLIP model.',
    );
  }
  if (!isFolder) {
    throw new RangeError(
      `choice_model is "${choiceModel}"; it takes "embedded" or the folder of a CLIP model, with its config.json.`,
    );
  }
  const clip = await loadClipModel(folder);
  return { ...clipSelector(choiceModel, clip), dispose: () => clip.model.parameters.dispose() };
}
