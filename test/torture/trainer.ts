/**
 * Trains 20 steps in the embedded world, with a checkpoint every third; goes on from the newest. Run as:
 * node --import tsx test/torture/trainer.ts VARIANT OUTPUT_DIR
 */
import { writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TrainRequest } from '../../src/training/options';
import { train } from '../../src/training/train';

const data = resolve(__dirname, '..', '..', 'data');

/** What can go wrong in a resume, each in a run of its own. */
export const variants: Readonly<Record<string, TrainRequest>> = {
  adamw: { gradientAccumulationSteps: 2 },
  adafactor: { useAdafactor: true },
  ema: { useEma: true, gradientAccumulationSteps: 2 },
  lora: { loraRank: 2, gradientAccumulationSteps: 2 },
};

async function main(variant: string, outputDir: string): Promise<void> {
  const request: TrainRequest = {
    pretrainedModelNameOrPath: join(data, 'base'),
    trainDataDir: join(data, 'pairs'),
    resolution: 32,
    trainBatchSize: 1,
    maxTrainSteps: 20,
    checkpointingSteps: 3,
    checkpointsTotalLimit: 2,
    learningRate: 1e-3,
    lrWarmupSteps: 4,
    seed: 7,
    mixedPrecision: 'no',
    reportTo: 'none',
    resumeFromCheckpoint: 'latest',
    outputDir,
    ...variants[variant],
  };
  for await (const { step } of train(request))
    writeSync(1, step % 3 === 0 ? `saved checkpoint-${step}\n` : `step ${step}\n`);
}

const [variant = '', outputDir = ''] = process.argv.slice(2);
if (require.main === module) void main(variant, outputDir);
