/** `npm run score`: scores pictures against a prompt. */
import { scoreArgs } from './score-args';

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set([
  'UsageError',
  'CheckpointError',
  'RangeError',
  'PictureError',
  'HubError',
]);

async function main(): Promise<void> {
  const args = scoreArgs(process.argv.slice(2));
  // Not earlier: TensorFlow takes a second to load.
  const { scorerList, scorePictures, table, jsonLine } = await import('./score-pictures');
  if (args.list) {
    console.log(scorerList());
    return;
  }
  const { scored, identity, damaged } = await scorePictures(args);
  if (args.json) for (const row of scored) console.log(jsonLine(row, identity));
  else if (scored.length > 0) console.log(table(scored, identity));
  for (const reason of damaged) console.error(reason);
  if (damaged.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  const isExpected = error instanceof Error && (EXPECTED.has(error.name) || 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
