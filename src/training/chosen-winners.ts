/** Winners by `--choice_model`. Upstream: train.py:1003, `do_flip`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  choiceMatrix,
  chooseWinners,
  describeChoice,
  LABELS,
  type OpenedTrainingData,
} from '../data';
import { openScoreFile } from '../data/score-file';
import { writeJson } from '../hub/json-file';
import { loadSelector } from '../scoring/selector';
import type { TrainOptions } from './options';
import type { LoadRunOptions } from './run-models';
import type { Note } from './run-setup';

/** In the output folder: how the scorer agrees with people, and what it said of each picture. */
export const CHOICE_FILE = 'choice.json';
export const SCORES_FILE = 'choice-scores.txt';

/** How long the scorer may be asked without a word to the user, in milliseconds. */
const PATIENCE = 30_000;

/**
 * The same data with the winners that the scorer chooses, where one is named. What it said is kept in the output folder,
 * so that a run that is begun again or goes on does not ask twice.
 */
export async function chosenWinners(
  data: OpenedTrainingData,
  { choiceModel, lossType, outputDir }: TrainOptions,
  note: Note,
  hub: LoadRunOptions['hub'],
): Promise<OpenedTrainingData> {
  if (choiceModel === '' || lossType === 'sft') return data;
  const selector = await loadSelector(choiceModel, hub);
  const { identity } = selector;
  try {
    note(`Asking ${choiceModel} about ${data.pairs.length} pairs (SHA-256 ${identity.hash}).`);
    mkdirSync(outputDir, { recursive: true });
    const known = await openScoreFile(join(outputDir, SCORES_FILE), identity.hash);
    const onPairs = patient((done, total) => note(`${choiceModel}: ${done} of ${total} pairs.`));
    const { data: chosen, counts } = await chooseWinners(data, selector, { known, onPairs });
    note(`${choiceModel} ${describeChoice(counts)}.`);
    note(choiceMatrix(counts));
    await writeJson(join(outputDir, CHOICE_FILE), {
      selector: identity,
      labels: LABELS,
      ...counts,
    });
    return chosen;
  } finally {
    selector.dispose();
  }
}

/** At most one word in {@link PATIENCE}, and none before it is over. */
function patient(say: (done: number, total: number) => void) {
  let last = performance.now();
  return (done: number, total: number) => {
    if (performance.now() - last < PATIENCE) return;
    last = performance.now();
    say(done, total);
  };
}
