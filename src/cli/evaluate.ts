/** `npm run evaluate`: compares models on the same prompts and seeds. */
import { watchInterrupts } from '../training/interrupts';
import { evaluateArgs } from './evaluate-args';

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set([
  ...['CheckpointError', 'HubError', 'ParquetError', 'PictureError', 'SchedulerConfigError'],
  ...['RangeError', 'UsageError'],
]);

async function main(): Promise<void> {
  const args = evaluateArgs(process.argv.slice(2));
  const interrupts = watchInterrupts({
    onInterrupt: (signal) =>
      console.error(`\n${signal}: ending the batch; the next one ends at once.`),
  });
  const { signal } = interrupts;
  try {
    // Not earlier: TensorFlow takes a second to load.
    const { runEvaluation } = await import('./evaluate-run');
    for (const line of await runEvaluation(args, signal)) console.log(line);
  } catch (error) {
    if (!signal.aborted) throw error;
    console.error(
      `What was drawn and scored is kept in ${args.out}; the same command goes on from there.`,
    );
    process.exitCode = 130;
  } finally {
    interrupts.dispose();
  }
}

main().catch((error: unknown) => {
  const isExpected = error instanceof Error && (EXPECTED.has(error.name) || 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
