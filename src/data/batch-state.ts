/** Where a source of batches stands, as JSON: enough to go on with the same rows, pictures and prompts. */
import { PythonRandom, TorchGenerator } from '../random';
import type { BatchDraws, BatchRandom } from './batch-draws';
import type { EpochSeeds, WorkerState } from './epoch';

/** The two default generators are not in it: the run that they belong to keeps their states itself. */
export interface BatchState {
  /** Of the data, and B: a state of other ones is refused. */
  readonly rows: number;
  readonly batchSize: number;
  readonly epoch: number;
  /** Rows with a damaged picture, and what was wrong. */
  readonly damaged: readonly (readonly [row: number, message: string])[];
  /** Of the epoch under way; between two epochs there is none, and the next draws its own. */
  readonly seeds?: EpochSeeds;
  /** Of orders from a fixed seed, between two epochs: the permutations that its generator has drawn. */
  readonly permutations?: number;
  /** The batch that was drawn already and not yet yielded; `rows` are positions in the data. */
  readonly ahead?: BatchDraws & { readonly index: number; readonly rows: readonly number[] };
  /** After that batch's draws; none without workers. */
  readonly workers?: readonly WorkerState[];
}

/** @throws RangeError that names what differs. */
export function checkState(state: BatchState, rows: number, batchSize: number): void {
  if (state.rows !== rows) {
    throw new RangeError(`The saved position is in ${state.rows} rows; the data has ${rows}.`);
  }
  if (state.batchSize !== batchSize) {
    throw new RangeError(
      `The saved position counts batches of ${state.batchSize}; now they have ${batchSize}.`,
    );
  }
}

export function workerStates(workers: readonly BatchRandom[]): WorkerState[] {
  return workers.map(({ torch, python }) => ({ torch: torch.state(), python: python.state() }));
}

export function restoredWorkers(states: readonly WorkerState[] = []): BatchRandom[] {
  return states.map((state) => {
    const worker = { torch: new TorchGenerator(0), python: new PythonRandom(0) };
    worker.torch.restore(state.torch);
    worker.python.restore(state.python);
    return worker;
  });
}
