/**
 * `npm test`: code style, types, then every mocha test; ends with `N passed, N failed` on a line of its own.
 * The style and the type check count as one check each. Arguments are passed on to mocha; where they name tests, only
 * these are run. The heavier parity tests in test/parity have a command of their own, `npm run test:parity`.
 *
 * The tests run in two processes: most of those that wait for programs and kernels, beside the others. The output of
 * the second is shown when the first is done; what failed in either is said once more at the end.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Of each failed test: its title, and what it said. */
  readonly faults: readonly string[];
}

const root = resolve(__dirname, '..');

/** Runs a program of `node_modules` on this Node; resolves to its exit status and what it said, if that was kept. */
function runTool(
  script: string,
  args: readonly string[],
  { env = {}, output = 'shown' }: { env?: NodeJS.ProcessEnv; output?: 'shown' | 'kept' } = {},
): Promise<{ readonly status: number | null; readonly text: string }> {
  const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: output === 'shown' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (status) => done({ status, text }));
  });
}

async function check(name: string, script: string, args: readonly string[]): Promise<Tally> {
  process.stdout.write(`\n── ${name}\n`);
  const ok = (await runTool(script, args)).status === 0;
  process.stdout.write(`${ok ? '✔' : '✘'} ${name}\n`);
  return ok ? { passed: 1, failed: 0, faults: [] } : { passed: 0, failed: 1, faults: [name] };
}

/** Runs mocha; a run that ends without a result, or in a bad status with no failed test, is itself a failure. */
async function runMocha(args: readonly string[], output: 'shown' | 'kept' = 'shown') {
  const folder = mkdtempSync(join(tmpdir(), 'dpo-test-'));
  const result = join(folder, 'result.json');
  try {
    const options = ['--forbid-only', '--forbid-pending', '--reporter', 'test/support/reporter.ts'];
    const env = {
      DPO_TEST_RESULT: result,
      TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '3',
    };
    const mocha = [...options, ...args];
    const { status, text } = await runTool('mocha/bin/mocha.js', mocha, { env, output });
    return { tally: checkedTally(readTally(result), status), text };
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

/** Tests that mostly wait for programs that they started. */
const STARTING = ['test/*.test.ts', 'test/{cli,kernels,notebooks,toyworld}/**/*.test.ts'];

async function runAllTests(options: readonly string[]): Promise<Tally[]> {
  const others = [...STARTING, 'test/parity/**'].flatMap((pattern) => ['--ignore', pattern]);
  const [first, second] = await Promise.all([
    runMocha([...options, ...STARTING]),
    runMocha([...options, ...others, 'test/**/*.test.ts'], 'kept'),
  ]);
  process.stdout.write(second.text);
  return [first.tally, second.tally];
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
      `--colors=${process.stdout.isTTY ? 'force' : 'off'}`,
    ]),
    await check('types', 'typescript/bin/tsc', ['--project', '.', '--noEmit']),
  ];
  process.stdout.write('\n── tests\n');
  return tallies;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const named = args.some((arg) => arg.startsWith('test/'));
  const tallies = named
    ? [(await runMocha(args)).tally]
    : [...(await checkAll()), ...(await runAllTests(args))];
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  const faults = tallies.flatMap((tally) => tally.faults);
  if (faults.length > 0) process.stdout.write(`\n── failed\n${faults.join('\n\n')}\n`);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

void main();
