import type { TrainingDataOptions } from '../data';
import { preferenceLosses } from '../preference';
import type { TrainOptions } from './options';
import { switchesOf } from './parity';

/** Which data a run reads, and by which of the original's filters. Upstream: train.py, `load_dataset` and after. */
export function dataOptions(options: TrainOptions): TrainingDataOptions {
  const { datasetName, datasetConfigName, trainDataDir, maxTrainSamples, seed } = options;
  const { split, dreamlikePairsOnly, imageColumn, chosenColumn, rejectedColumn, sdxl } = options;
  const { tieFilter, captionColumn } = switchesOf(options);
  return {
    ...definedOnly({ datasetName, datasetConfigName, trainDataDir, maxTrainSamples, seed }),
    ...definedOnly({ chosenColumn, rejectedColumn }),
    ...{ split, dreamlikePairsOnly, imageColumn },
    captionColumn: sdxl && captionColumn !== 'as told' ? 'caption' : options.captionColumn,
    trainMethod: preferenceLosses[options.lossType].pictures === 'winner' ? 'sft' : 'dpo',
    parity: tieFilter === 'always' ? 'fixed' : 'repo',
  };
}

/** Which files of the models a run takes from the hub. The data set has no revision there. Upstream: train.py, `revision`. */
export const modelHubOptions = ({ cacheDir, revision, variant }: TrainOptions) => ({
  ...{ cacheDir, revision, variant },
});

const definedOnly = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
