/** The checks of `npm run torture -- resume`. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inTemporaryFolder } from '../support/temporary';
import type { Settings } from '../torture';
import { type Command, killAndResume } from './killing';

const saver = join(__dirname, 'saver.ts');
const trainer = join(__dirname, 'trainer.ts');

/** A stand-in for a run that does nothing but save. */
export const savingRun =
  (steps: number): Command =>
  (outputDir) => ['--import', 'tsx', saver, outputDir, String(steps)];

/** Variants of trainer.ts. */
export type Variant = 'adamw' | 'adafactor' | 'ema' | 'lora';
const VARIANTS: readonly Variant[] = ['adamw', 'adafactor', 'ema', 'lora'];

/** Twenty steps of training in the embedded world. */
export const trainingRun =
  (variant: Variant): Command =>
  (outputDir) => ['--import', 'tsx', trainer, variant, outputDir];

/** Checkpoints and metrics survive SIGKILL at any moment, and what is resumed ends as if never interrupted. */
export function checkpointsCheck({ kills }: Settings): Promise<string> {
  return inTemporaryFolder(async (folder) => {
    const report = await killAndResume(savingRun(25), { folder, kills });
    assert.ok(report.resumed > kills / 4, `only ${report.resumed} kills came after a checkpoint`);
    return (
      `${report.kills} kills in ${report.runs} runs, ${report.resumed} of them resumed: ` +
      'no checkpoint torn or lost, every file and figure as in the run left alone'
    );
  });
}

/** Training that is killed and resumed ends with the same weights, moments, generators and metrics, bit for bit. */
export async function trainingCheck({ moments }: Settings): Promise<string> {
  const told: string[] = [];
  for (const [seed, variant] of VARIANTS.entries())
    await inTemporaryFolder(async (folder) => {
      const kills = Math.ceil(moments / VARIANTS.length);
      const report = await killAndResume(trainingRun(variant), { folder, kills, seed });
      told.push(`${variant} ${report.kills} kills, ${report.resumed} resumed`);
    });
  return `every file and figure as in the run left alone: ${told.join('; ')}`;
}
