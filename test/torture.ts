/**
 * `npm run torture -- SUBJECT`: checks too long for `npm test`, each told in one line as it ends.
 * Ends with status 1 if one fails.
 */
import { ArgumentParser } from 'argparse';
import { boundsCheck, handlesCheck } from './torture/engine';
import { faultsCheck, killsCheck, offlineCheck, processesCheck, resumeCheck } from './torture/hub';
import { clicksCheck } from './torture/labels';
import { checkpointsCheck, trainingCheck } from './torture/resume';

/** Settings of a run, from the command line. */
export interface Settings {
  readonly operations: number;
  readonly kills: number;
  readonly moments: number;
}

/** A check: says what it found, or throws what went wrong. */
export type Check = (settings: Settings) => string | Promise<string>;

const subjects: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  engine: { handles: handlesCheck, bounds: boundsCheck },
  resume: { checkpoints: checkpointsCheck, training: trainingCheck },
  hub: {
    processes: (settings) => processesCheck(settings),
    kills: (settings) => killsCheck(settings),
    faults: (settings) => faultsCheck(settings),
    cuts: (settings) => resumeCheck(settings),
    offline: offlineCheck,
  },
  labels: { clicks: () => clicksCheck({ clicks: 1000, kills: 10 }) },
};

function parse() {
  const description =
    'handles: a million operations leave no handle and no memory. ' +
    "bounds: the native kernels' parity tests under AddressSanitizer, on every instruction set; " +
    'those that this processor lacks are computed in software. ' +
    'checkpoints: a process killed again and again while it saves leaves no torn checkpoint and loses none. ' +
    'training: runs killed at random moments and resumed end as if they had been left alone. ' +
    'processes, kills, faults, cuts, offline: downloads from a hub on this machine that cuts, flips, stalls and lies. ' +
    'clicks: a thousand answers to npm run label, which is killed ten times meanwhile; none is lost.';
  const parser = new ArgumentParser({ prog: 'npm run torture --', description });
  parser.add_argument('subject', { choices: Object.keys(subjects) });
  parser.add_argument('--only', {
    metavar: 'CHECK',
    help: 'one check of the subject; default: all',
  });
  parser.add_argument('--operations', {
    type: 'int',
    default: 1_000_000,
    metavar: 'N',
    help: 'operations of the handles check (default: %(default)s)',
  });
  parser.add_argument('--kills', {
    type: 'int',
    default: 200,
    metavar: 'N',
    help: 'SIGKILLs of the checkpoints and the kills check (default: %(default)s)',
  });
  parser.add_argument('--moments', {
    type: 'int',
    default: 20,
    metavar: 'N',
    help: 'SIGKILLs of the training check (default: %(default)s)',
  });
  const args = parser.parse_args() as Settings & { readonly subject: string; only?: string };
  const checks = Object.entries(subjects[args.subject] ?? {});
  const chosen = checks.filter(([name]) => args.only === undefined || name === args.only);
  if (chosen.length === 0) parser.error(`${args.subject} has no check '${args.only}'`);
  const { operations, kills, moments } = args;
  return { settings: { operations, kills, moments }, chosen };
}

async function main(): Promise<void> {
  const { settings, chosen } = parse();
  for (const [name, check] of chosen) {
    const start = performance.now();
    const ended = () => `${((performance.now() - start) / 1000).toFixed(0)} s`;
    try {
      console.log(`✔ ${name}: ${await check(settings)} (${ended()})`);
    } catch (error) {
      console.log(`✘ ${name} (${ended()}): ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
}

void main();
