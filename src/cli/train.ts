/** `npm run train`: trains with the flags of the original train.py, or prints what it would do. */
import type { TrainOptions } from '../training/options';
import { UsageError } from './output-files';
import { trainCommand } from './train-args';

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set(['CheckpointError', 'ParquetError', 'SchedulerConfigError', 'RangeError']);

async function main(): Promise<void> {
  const { options, action, notes } = trainCommand(process.argv.slice(2));
  for (const note of notes) console.error(note);
  // Not earlier: TensorFlow takes a second to load.
  if (action === 'print the plan') {
    const { printPlan } = await import('./print-plan');
    return printPlan(options);
  }
  await runTraining(options);
}

/** Trains, showing each step. */
async function runTraining(_options: TrainOptions): Promise<void> {
  throw new RangeError(
    'Training from the command line is not there yet; --dry_run prints the plan.',
  );
}

main().catch((error: unknown) => {
  if (error instanceof UsageError) {
    console.error(
      `npm run train --: error: ${error.message}\nnpm run train -- --help lists all flags.`,
    );
    process.exitCode = 2;
    return;
  }
  const isExpected = error instanceof Error && (EXPECTED.has(error.name) || 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
