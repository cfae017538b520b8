/** The original's logged runs, trained by `train` and written down in the log's words. */
import { createHash } from 'node:crypto';
import type { Batch } from '../../src/data';
import type { Tensor } from '../../src/engine';
import {
  type PairBatch,
  type SeenMicroBatch,
  type StepRecord,
  type TrainRequest,
  train,
} from '../../src/training';
import { fixturePath } from './fixtures';
import type { LoggedFetch, LoggedMicro } from './oracle-log';

export const ORACLE_PIPELINE = fixturePath('oracle', 'tiny-sd15');
export const gradientAccumulationSteps = 2;

const resolution = 64;
const endOfText = 536;

/** What is the same in all runs: the command line in test/fixtures/oracle/README.md. */
const COMMAND: TrainRequest = {
  pretrainedModelNameOrPath: ORACLE_PIPELINE,
  datasetName: fixturePath('oracle', 'pickapic_tiny'),
  resolution,
  trainBatchSize: 2,
  gradientAccumulationSteps,
  lrScheduler: 'constant_with_warmup',
  lrWarmupSteps: 4,
  learningRate: 1e-4,
  betaDpo: 5000,
  seed: 7,
  mixedPrecision: 'no',
  parity: 'repo',
  reportTo: 'none',
};

/** A run in the log's words. */
export interface FinishedRun {
  readonly fetches: readonly LoggedFetch[];
  readonly micros: readonly LoggedMicro[];
  readonly records: readonly StepRecord[];
}

/**
 * Trains as the original did, into `outputDir`.
 * @param changed in what the run differs from the others
 * @param look is shown every micro-batch too
 */
export async function trainLikeTheOriginal(
  outputDir: string,
  changed: TrainRequest,
  look: (seen: SeenMicroBatch, micro: number) => void = () => undefined,
): Promise<FinishedRun> {
  const fetches: LoggedFetch[] = [];
  const micros: LoggedMicro[] = [];
  const records: StepRecord[] = [];
  const onMicroBatch = (seen: SeenMicroBatch) => {
    look(seen, micros.length);
    fetches.push(fetchOf(seen.batch as Batch)); // a run trains on whole batches
    micros.push(microOf(seen));
  };
  const run = train({ ...COMMAND, outputDir, ...changed }, { onMicroBatch });
  for await (const record of run) records.push(record);
  return { fetches, micros, records };
}

const fetchOf = ({ pairs, placements }: Batch): LoggedFetch => ({
  ranking_id: pairs.map(({ row }) => 1000 + row),
  flips: placements.map(({ flipped }) => flipped),
  crops: placements.map(({ top, left }) => [top, left, resolution, resolution]),
});

function microOf({ batch, noisy, terms }: SeenMicroBatch): LoggedMicro {
  const { loss, insideTerm, modelLossesW, modelLossesL, refLossesW, refLossesL } = terms;
  const listed = (...parts: readonly (Tensor | undefined)[]) =>
    parts.flatMap((t) => [...(t?.floats() ?? [])]);
  return {
    loss: loss.item(),
    timesteps: noisy.timesteps,
    noise_sha256: sha256(channelsFirst(noisy.noise)),
    pixel_values_sha256: sha256(stackedPixels(batch)),
    input_ids: promptIds(batch),
    inside_term: listed(insideTerm),
    model_losses: listed(modelLossesW, modelLossesL),
    ref_losses: listed(refLossesW, refLossesL),
  };
}

const sha256 = (data: Float32Array) => createHash('sha256').update(data).digest('hex');

/** Numbers of a tensor [N, H, W, C] in PyTorch's logical order, [N, C, H, W]. */
export const channelsFirst = (t: Tensor) => t.transpose([0, 3, 1, 2]).floats();

/** As the original stacks pictures: [B, 6, R, R], winner over loser, or [B, 3, R, R]. */
function stackedPixels({ pixelValues, pixelShape: [n, R], captions }: PairBatch): Float32Array {
  const [B, plane] = [captions.length, R * R];
  const out = new Float32Array(pixelValues.length);
  for (let i = 0; i < n; i++) {
    const place = (i % B) * (n / B) + Math.trunc(i / B);
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < plane; p++)
        out[(place * 3 + c) * plane + p] = pixelValues[(i * plane + p) * 3 + c] as number;
  }
  return out;
}

/** Of each prompt, up to its first end of text. */
function promptIds({ inputIds, captions }: PairBatch): number[][] {
  const length = inputIds.length / captions.length;
  return captions.map((_, row) => {
    const ids = [...inputIds.subarray(row * length, (row + 1) * length)];
    return ids.slice(0, ids.indexOf(endOfText) + 1);
  });
}
