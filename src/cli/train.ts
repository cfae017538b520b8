/** `npm run train`: trains with the flags of the original train.py, or prints what it would do. */
import type { TransferProgress } from '../hub';
import { watchInterrupts } from '../training/interrupts';
import type { TrainOptions } from '../training/options';
import { shellWord } from '../training/shell-word';
import type { TrainResult } from '../training/train';
import { UsageError } from './output-files';
import { trainCommand } from './train-args';
import { TrainProgress } from './train-progress';
import { TransferLine } from './transfer-line';

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set([
  ...['CheckpointError', 'HubError', 'ParquetError', 'PictureError', 'SchedulerConfigError'],
  ...['Error', 'RangeError', 'NotFiniteError'],
]);

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

/** Trains, showing each step; the first Ctrl-C ends the micro-batch, saves, and says how to go on. */
async function runTraining(options: TrainOptions): Promise<void> {
  const { train } = await import('../training/train');
  const progress = new TrainProgress();
  const interrupts = watchInterrupts({
    onInterrupt: (signal) =>
      progress.note(`${signal}: ending the micro-batch and saving; the next one ends at once.`),
  });
  try {
    const note = (sentence: string) => progress.note(sentence);
    const line = new TransferLine();
    const onTransfer = (moved: TransferProgress) => line.update(moved);
    const { signal } = interrupts;
    const run = train(options, { signal, note, onTransfer, command: command() });
    let next = await run.next();
    for (; !next.done; next = await run.next()) progress.update(next.value);
    progress.end();
    console.log(ending(next.value));
    if (next.value.ended === 'interrupted') process.exitCode = 130;
  } finally {
    progress.end();
    interrupts.dispose();
  }
}

function ending({ ended, outputDir, step, checkpoint }: TrainResult): string {
  if (ended !== 'interrupted') return `The trained pipeline is in ${outputDir}.`;
  const kept =
    checkpoint === undefined ? 'No step was finished.' : `Kept ${checkpoint}, after step ${step}.`;
  return `${kept} The same command goes on from there:\n  ${command()}`;
}

const command = () => `npm run train -- ${process.argv.slice(2).map(shellWord).join(' ')}`;

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
