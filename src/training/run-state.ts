/** What a checkpoint holds of a run, and how a run takes it up again. */
import { dirname } from 'node:path';
import type { BatchRandom, BatchSource, BatchState } from '../data';
import { saveLora } from '../hub';
import { saveModel } from '../hub/model-folder';
import { UNET } from '../hub/model-kinds';
import type { GeneratorState, TwisterState } from '../random';
import type { CheckpointPart, CheckpointParts } from './checkpoint';
import type { Ema } from './ema';
import { type NamedTensor, restoreNamedTensors, type TensorTarget } from './named-tensors';
import type { Optimizer } from './optimizer';
import type { TrainOptions } from './options';
import type { LoadedCheckpoint } from './resume';
import { CHECKPOINT_LORA, CHECKPOINT_UNET, type RunModels } from './run-models';

/** What of a run changes while it trains. */
export interface RunState {
  readonly options: TrainOptions;
  readonly models: RunModels;
  readonly optimizer: Optimizer;
  readonly ema?: Ema;
}

/** A moment between two optimizer steps: where everything stands that a micro-batch moves on, weights aside. */
export interface Boundary {
  /** Optimizer steps taken. */
  readonly step: number;
  readonly torch: GeneratorState;
  readonly python: TwisterState;
  readonly data: BatchState;
}

/** The boundary at which a run stands now. */
export function boundaryOf(step: number, { torch, python }: BatchRandom, batches: BatchSource) {
  return { step, torch: torch.state(), python: python.state(), data: batches.state() };
}

/** Everything to save at a boundary; weights and moments must be as they were there. */
export function checkpointParts(run: RunState, boundary: Boundary): CheckpointParts {
  const { options, models, optimizer, ema } = run;
  const { step, torch, python, data } = boundary;
  return {
    weights: [weightsPart(models)],
    optimizer: optimizer.state,
    ...(ema ? { ema: averageState(ema) } : {}),
    generators: { torch, python },
    data: { ...data },
    lrSchedule: { lastStep: step, ...pickSchedule(options) },
    trainingState: {
      globalStep: step,
      optimizerSteps: optimizer.stepCount,
      ...(ema ? { emaSteps: ema.optimizationStep } : {}),
    },
    config: { ...options },
  };
}

function pickSchedule(options: TrainOptions) {
  const { lrScheduler, lrWarmupSteps, lrNumCycles, lrPower, lrStepRules } = options;
  return { lrScheduler, lrWarmupSteps, lrNumCycles, lrPower, lrStepRules };
}

function weightsPart({ lora, policy }: RunModels): CheckpointPart {
  const write = lora
    ? async (path: string) => {
        await saveLora(lora, dirname(path));
        return {};
      }
    : (path: string) => saveModel(policy, path, UNET, { checksum: 'none' });
  return { path: lora ? CHECKPOINT_LORA : CHECKPOINT_UNET, write };
}

function averageState({ average }: Ema): (NamedTensor & TensorTarget)[] {
  return average.names.map((name) => ({
    name,
    shape: average.shape(name),
    data: () => average.read(name),
    write: (data) => average.write(name, data),
  }));
}

/** Brings moments and average back; the policy's weights were loaded from the checkpoint already. */
export async function restoreRun(run: RunState, saved: LoadedCheckpoint): Promise<Boundary> {
  const { optimizer, ema } = run;
  const counts = (await saved.trainingState()) as Readonly<Record<string, number>>;
  const moments = await saved.optimizer();
  try {
    await restoreNamedTensors(moments, optimizer.state);
  } finally {
    await moments.close();
  }
  optimizer.resumeAt(counts.optimizerSteps ?? 0);
  if (ema) await restoreAverage(ema, saved, counts.emaSteps ?? 0);
  const { torch, python } = await saved.generators();
  return {
    step: counts.globalStep ?? 0,
    torch: torch as GeneratorState,
    python: python as TwisterState,
    data: (await saved.data()) as unknown as BatchState,
  };
}

async function restoreAverage(ema: Ema, saved: LoadedCheckpoint, steps: number): Promise<void> {
  const file = await saved.ema();
  if (!file) throw new Error(`${saved.path} has no ema.safetensors, which --use_ema needs.`);
  try {
    await restoreNamedTensors(file, averageState(ema));
  } finally {
    await file.close();
  }
  ema.resumeAt(steps);
}
