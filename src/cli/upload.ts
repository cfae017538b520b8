/** `npm run upload`: sends a trained model to the hub, or prints what it would send. */
import { type ArgumentOptions, ArgumentParser } from 'argparse';
import { type PushOptions, planPush, pushToHub } from '../hub/remote/upload';
import { formatBytes } from '../show/text';
import { TransferLine } from './transfer-line';

interface UploadArgs {
  readonly folder: string;
  readonly repo: string;
  readonly private: boolean;
  readonly pr: boolean;
  readonly dry_run: boolean;
  readonly part?: 'pipeline' | 'unet';
  readonly layout: 'diffusers' | 'root';
  readonly license?: string;
  readonly revision?: string;
  readonly message?: string;
}

const description = `Sends a trained model to the hub in one commit, with a card written from its run. What the hub has
already is not sent again, so the same command goes on after an interruption.`;

const epilog = `The token is read from HF_TOKEN, or from where \`hf auth login\` leaves it; it is never a flag, because
flags can be seen by everybody on the machine.`;

function uploadArgs(argv: readonly string[]): UploadArgs {
  const parser = new ArgumentParser({ prog: 'npm run upload --', description, epilog });
  const add = (flag: string, options: ArgumentOptions) => parser.add_argument(flag, options);
  add('--folder', {
    required: true,
    metavar: 'DIR',
    help: 'output folder of a run, or a model folder',
  });
  add('--repo', { required: true, metavar: 'OWNER/NAME', help: 'made where there is none' });
  add('--private', { action: 'store_true', help: 'a repository that has to be made is private' });
  add('--pr', {
    action: 'store_true',
    help: 'open a pull request in place of a commit to the branch',
  });
  add('--dry_run', { action: 'store_true', help: 'print what would be sent, and end' });
  add('--part', {
    choices: ['pipeline', 'unet'],
    help: 'all parts, or the denoiser alone; default: pipeline, where the folder is one',
  });
  add('--layout', {
    choices: ['diffusers', 'root'],
    default: 'diffusers',
    help: "root: the denoiser's files at the root, as the original sends them; default: diffusers",
  });
  add('--revision', { metavar: 'BRANCH', help: 'branch of the repository; default: main' });
  add('--license', { metavar: 'ID', help: 'for the card, such as openrail++' });
  add('--message', { metavar: 'TEXT', help: 'of the commit' });
  return parser.parse_args([...argv]) as UploadArgs;
}

async function main(): Promise<void> {
  const { folder, repo, dry_run, ...args } = uploadArgs(process.argv.slice(2));
  const { part, layout, license, message, revision } = args;
  const control = new AbortController();
  const options: PushOptions = {
    ...{ part, layout, license, message, revision },
    visibility: args.private ? 'private' : 'public',
    as: args.pr ? 'pull request' : 'commit',
    signal: control.signal,
  };
  if (dry_run) return printPlan(folder, repo, options);
  const line = new TransferLine();
  const stop = () => control.abort(new Error('Stopped; the same command goes on from there.'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const { url } = await pushToHub(folder, repo, { ...options, ...line.options() });
    console.log(url);
  } finally {
    line.end();
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
    if (control.signal.aborted) process.exitCode = 130;
  }
}

async function printPlan(folder: string, repo: string, options: PushOptions): Promise<void> {
  const { files, card } = await planPush(folder, repo, options);
  const rows = [...files, { path: 'README.md', size: Buffer.byteLength(card) }];
  const width = Math.max(...rows.map(({ path }) => path.length));
  for (const { path, size } of rows) console.log(`${path.padEnd(width)}  ${formatBytes(size)}`);
  const total = rows.reduce((sum, { size }) => sum + size, 0);
  console.log(`${rows.length} files, ${formatBytes(total)}, to ${repo}; README.md:\n\n${card}`);
}

/** Errors whose message tells the user what to do; anything else is a mistake in the program and shows where. */
const EXPECTED = new Set(['HubError', 'RangeError', 'CheckpointError', 'Error', 'AbortError']);

main().catch((error: unknown) => {
  console.error(error instanceof Error && EXPECTED.has(error.name) ? error.message : error);
  process.exitCode ||= 1;
});
