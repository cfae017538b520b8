/** `npm run label`: labels pairs in a browser on this machine. */
import { openUnlabelled } from '../data/own-tables';
import { labelsBeside } from '../show/label-pairs';
import { LabelServer } from '../show/label-server';
import { LabelSession } from '../show/label-session';
import { watchInterrupts } from '../training/interrupts';
import { labelArgs } from './label-args';

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set(['RangeError', 'ParquetError', 'PictureError']);

async function main(): Promise<void> {
  const { pairs, labeller, out, seed, port, base_url } = labelArgs(process.argv.slice(2));
  const opened = await openUnlabelled(pairs);
  const file = out ?? labelsBeside(pairs);
  const session = await LabelSession.open(opened, { labeller, file, seed });
  const open = () => console.log(`For another tab: ${server.link()}`);
  const server = await LabelServer.start(session, { port, baseUrl: base_url, onOpened: open });
  const { done, total } = session;
  const rest = done === 0 ? `${total} pairs` : `${total - done} of ${total} pairs`;
  console.log(`${labeller}: ${rest} to label. Open this in a browser, once:\n${server.link()}`);
  const interrupts = watchInterrupts();
  const stopped = new Promise<void>((resolve) => {
    interrupts.signal.addEventListener('abort', () => resolve());
  });
  try {
    await Promise.race([server.finished, stopped]);
  } finally {
    interrupts.dispose();
    await server.close();
  }
  console.log(`${session.done} of ${total} pairs have an answer by ${labeller}, in\n${file}`);
}

main().catch((error: unknown) => {
  const isExpected = error instanceof Error && (EXPECTED.has(error.name) || 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
