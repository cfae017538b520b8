/** `npm run sample`: draws pictures from text. */
import { sampleArgs } from './sample-args';

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set([
  'UsageError',
  'CheckpointError',
  'SchedulerConfigError',
  'RangeError',
  'PictureError',
  'HubError',
]);

async function main(): Promise<void> {
  const args = sampleArgs(process.argv.slice(2));
  // Ctrl-C: a step is one call into TensorFlow, so the process is left to end at once; nothing is written before the last step.
  const { drawToFiles } = await import('./draw'); // not earlier: TensorFlow takes a second to load
  console.error(`seed ${[args.seed].flat().join(', ')}`);
  for (const path of await drawToFiles(args)) console.log(path);
}

main().catch((error: unknown) => {
  const isExpected = error instanceof Error && (EXPECTED.has(error.name) || 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
