/**
 * Stands in for a training run: a line of metrics and a checkpoint at every step, nothing computed; goes on from the
 * newest checkpoint. Run as: node --import tsx test/torture/saver.ts OUTPUT_DIR STEPS
 */
import { mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { saveCheckpoint } from '../../src/training/checkpoint';
import { cleanOutputFolder, removeOldCheckpoints } from '../../src/training/checkpoint-folders';
import { openMetrics } from '../../src/training/metrics';
import { findCheckpoint } from '../../src/training/resume';
import { assertHolds, smallParts } from '../support/small-checkpoint';

/** Numbers in a checkpoint's weights: 800 KB, so that kills fall into their writing too. */
const SIZE = 200_000;

async function main(outputDir: string, steps: number): Promise<void> {
  mkdirSync(outputDir, { recursive: true });
  await cleanOutputFolder(outputDir);
  const found = await findCheckpoint(outputDir, 'latest');
  if (found) await assertHolds(found.path, found.step, SIZE);
  const start = found?.step ?? 0;
  const metrics = await openMetrics(join(outputDir, 'metrics.jsonl'), { resumeAt: start });
  for (let step = start + 1; step <= steps; step++) {
    metrics.log({ step, train_loss: Math.cos(step), pairs_per_second: Math.random() });
    metrics.sync();
    await saveCheckpoint(outputDir, step, smallParts(step, SIZE), { totalLimit: 2 });
    writeSync(1, `saved checkpoint-${step}\n`); // has left the process when the next line runs
  }
  await removeOldCheckpoints(outputDir, 2, steps); // of a process killed before it could
  metrics.close();
}

const [outputDir = '', steps = '0'] = process.argv.slice(2);
void main(outputDir, Number(steps));
