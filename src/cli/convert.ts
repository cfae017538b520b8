/** `npm run convert`: rewrites a model in another layout or element type, merges and extracts adapters. */
import { convertArgs } from './convert-args';

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set(['UsageError', 'CheckpointError', 'RangeError', 'HubError']);

async function main(): Promise<void> {
  const args = convertArgs(process.argv.slice(2));
  const { convertModel } = await import('./convert-model'); // not earlier: TensorFlow takes a second to load
  await convertModel(args);
  console.log(args.to);
}

main().catch((error: unknown) => {
  const isExpected = error instanceof Error && (EXPECTED.has(error.name) || 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
