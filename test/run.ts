/**
 * `npm test`: code style, types, then every mocha test; ends with `N passed, N failed` on a line of its own.
 * The style and the type check count as one check each. Arguments are passed on to mocha; where they name tests, only
 * these are run. The heavier parity tests in test/parity have a command of their own, `npm run test:parity`.
 *
 * The tests run in groups, two processes at a time, whose output is shown one after the other; what failed in any is
 * said once more at the end.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Turns } from './support/turns';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Of each failed test: its title, and what it said. */
  readonly faults: readonly string[];
}

const root = resolve(__dirname, '..');

/** Runs a program of `node_modules` on this Node; resolves to its exit status. What it says goes to `write`. */
function runTool(
  script: string,
  args: readonly string[],
  { env = {}, write }: { env?: NodeJS.ProcessEnv; write: (text: string) => void },
): Promise<number | null> {
  const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', write);
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', done);
  });
}

const show = (text: string): void => {
  process.stdout.write(text);
};
const isTerminal = process.stdout.isTTY;

async function check(name: string, script: string, args: readonly string[]): Promise<Tally> {
  show(`\n── ${name}\n`);
  const ok = (await runTool(script, args, { write: show })) === 0;
  show(`${ok ? '✔' : '✘'} ${name}\n`);
  return ok ? { passed: 1, failed: 0, faults: [] } : { passed: 0, failed: 1, faults: [name] };
}

/** Runs mocha; a run that ends without a result, or in a bad status with no failed test, is itself a failure. */
async function runMocha(args: readonly string[], write = show): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'dpo-test-'));
  const result = join(folder, 'result.json');
  try {
    const options = ['--forbid-only', '--forbid-pending', '--reporter', 'test/support/reporter.ts'];
    const env = {
      DPO_TEST_RESULT: result,
      TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '3',
    };
    const mocha = [...(isTerminal ? ['--color'] : []), ...options, ...args];
    const status = await runTool('mocha/bin/mocha.js', mocha, { env, write });
    return checkedTally(readTally(result), status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkedTally(tally: Tally | undefined, status: number | null): Tally {
  if (!tally) return { passed: 0, failed: 1, faults: ['mocha ended without a result'] };
  if (status === 0 || tally.failed > 0) return tally;
  return {
    ...tally,
    failed: 1,
    faults: [`mocha ended with status ${status}, with no test failed`],
  };
}

/** Tests that share a process, those that take longest first; the last group is all the others. */
const GROUPS: readonly (readonly string[])[] = [
  ['test/notebooks/**/*.test.ts'],
  ['test/training/**/*.test.ts'],
  ['test/cli/**/*.test.ts'],
  ['test/*.test.ts', 'test/kernels/**/*.test.ts'],
  ['test/{data,scoring,toyworld}/**/*.test.ts'],
];

/** The groups, two at a time. */
async function runAllTests(options: readonly string[]): Promise<Tally[]> {
  const named = [...GROUPS.flat(), 'test/parity/**'].flatMap((pattern) => ['--ignore', pattern]);
  const waiting = [...GROUPS, [...named, 'test/**/*.test.ts']];
  const turns = new Turns(show);
  const tallies: Tally[] = [];
  const work = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      const turn = turns.take();
      const started = Date.now();
      const tally = await runMocha([...options, ...group], turn.write);
      const seconds = Math.round((Date.now() - started) / 1000);
      turn.write(
        `── ${group.at(-1)}: ${tally.passed} passed, ${tally.failed} failed in ${seconds} s\n`,
      );
      turn.end();
      tallies.push(tally);
    }
  };
  await Promise.all([work(), work()]);
  return tallies;
}

function readTally(path: string): Tally | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Tally;
  } catch {
    return undefined; // mocha died before its end; counted as a failure by the caller
  }
}

async function checkAll(): Promise<Tally[]> {
  const tallies = [
    await check('code style', '@biomejs/biome/bin/biome', [
      'ci',
      '--error-on-warnings',
      `--colors=${isTerminal ? 'force' : 'off'}`,
    ]),
    await check('types', 'typescript/bin/tsc', ['--project', '.', '--noEmit']),
  ];
  show('\n── tests\n');
  return tallies;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const named = args.some((arg) => arg.startsWith('test/'));
  const tallies = named
    ? [await runMocha(args)]
    : [...(await checkAll()), ...(await runAllTests(args))];
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  const faults = tallies.flatMap((tally) => tally.faults);
  if (faults.length > 0) show(`\n── failed\n${faults.join('\n\n')}\n`);
  show(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

void main();
