/**
 * `npm test`: code style, types, then every mocha test; ends with `N passed, N failed` on a line of its own.
 * The style and the type check count as one check each. Arguments are passed on to mocha.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

const root = resolve(__dirname, '..');

/** Runs a program of `node_modules` on this Node and shows its output as it comes; resolves to its exit status. */
function runTool(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const command = [join(root, 'node_modules', script), ...args];
  return spawnSync(process.execPath, command, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  }).status;
}

function check(name: string, script: string, args: readonly string[]): Tally {
  process.stdout.write(`\n── ${name}\n`);
  const ok = runTool(script, args) === 0;
  process.stdout.write(`${ok ? '✔' : '✘'} ${name}\n`);
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs mocha; a run that ends without a result, or in a bad status with no failed test, is itself a failure. */
function runMocha(args: readonly string[]): Tally {
  process.stdout.write('\n── tests\n');
  const folder = mkdtempSync(join(tmpdir(), 'dpo-test-'));
  const result = join(folder, 'result.json');
  try {
    const options = ['--forbid-only', '--forbid-pending', '--reporter', 'test/support/reporter.ts'];
    const status = runTool('mocha/bin/mocha.js', [...options, ...args], {
      DPO_TEST_RESULT: result,
      TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '3',
    });
    const tally = readTally(result);
    if (!tally) process.stdout.write('✘ mocha ended without a result\n');
    if (!tally) return { passed: 0, failed: 1 };
    return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readTally(path: string): Tally | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Tally;
  } catch {
    return undefined; // mocha died before its end; counted as a failure by the caller
  }
}

const files = process.argv.slice(2).filter((arg) => arg.startsWith('test/'));
const tallies = [
  check('code style', '@biomejs/biome/bin/biome', [
    'ci',
    '--error-on-warnings',
    `--colors=${process.stdout.isTTY ? 'force' : 'off'}`,
  ]),
  check('types', 'typescript/bin/tsc', ['--project', '.', '--noEmit']),
  runMocha(
    files.length > 0 ? process.argv.slice(2) : [...process.argv.slice(2), 'test/**/*.test.ts'],
  ),
];
const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
