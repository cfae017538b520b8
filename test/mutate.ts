/**
 * `npm run mutate`: breaks one formula at a time in a copy of the sources and runs the tests that should notice.
 * Prints a table; ends with status 1 if a mutation survives. Takes some minutes.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ArgumentParser } from 'argparse';
import { type Mutation, mutations } from './mutate/mutations';

const root = resolve(__dirname, '..');

/** A copy of the sources beside links to everything that is built or installed. */
function copyOfSources(): string {
  const copy = mkdtempSync(join(tmpdir(), 'dpo-mutate-'));
  for (const name of ['src', 'test', 'tsconfig.json', 'package.json', '.mocharc.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  for (const name of ['node_modules', 'kernels', 'data'])
    symlinkSync(join(root, name), join(copy, name));
  return copy;
}

/** Number of failed tests; a run that dies without counting is an error of this program's. */
function failures(copy: string, tests: readonly string[]): number {
  const result = join(copy, 'result.json');
  rmSync(result, { force: true });
  const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [mocha, '--reporter', 'test/support/reporter.ts', ...tests],
    { cwd: copy, encoding: 'utf8', env: { ...process.env, DPO_TEST_RESULT: result } },
  );
  try {
    return (JSON.parse(readFileSync(result, 'utf8')) as { failed: number }).failed;
  } catch {
    throw new Error(`${tests.join(' ')} ended without a result:\n${stdout}\n${stderr}`);
  }
}

/** The file with the formula broken. Throws where the formula is not there exactly once. */
function broken({ file, from, to }: Mutation, source: string): string {
  if (source.split(from).length !== 2)
    throw new Error(`${file} must contain "${from}" exactly once: the list of mutations is stale.`);
  return source.replace(from, () => to);
}

/** The mutations that the command line asks for; prints them and ends there if it asks for the list. */
function asked(): readonly Mutation[] {
  const description = 'Breaks one formula at a time; every one must be caught by the tests.';
  const parser = new ArgumentParser({ prog: 'npm run mutate --', description });
  parser.add_argument('--only', {
    default: '',
    metavar: 'TEXT',
    help: 'mutations whose description contains this, as "loss: sign"; default: all',
  });
  parser.add_argument('--list', { action: 'store_true', help: 'print the descriptions and end' });
  const { only, list } = parser.parse_args() as { readonly only: string; readonly list: boolean };
  const chosen = mutations.filter(({ what }) => what.includes(only));
  if (chosen.length === 0) parser.error(`no mutation's description contains '${only}'`);
  if (list) {
    console.log(chosen.map(({ what }) => what).join('\n'));
    process.exit();
  }
  return chosen;
}

function main(): void {
  const chosen = asked();
  const copy = copyOfSources();
  let survived = 0;
  try {
    const used = [...new Set(chosen.flatMap(({ tests }) => tests))];
    if (failures(copy, used) > 0) throw new Error('The tests fail before anything is broken.');
    for (const mutation of chosen) {
      const path = join(copy, mutation.file);
      const source = readFileSync(path, 'utf8');
      writeFileSync(path, broken(mutation, source));
      const failed = failures(copy, mutation.tests);
      writeFileSync(path, source);
      if (failed === 0) survived++;
      const verdict = failed > 0 ? `caught by ${failed}` : 'SURVIVED';
      console.log(`${verdict.padEnd(12)} ${mutation.what} (${mutation.file})`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`\n${chosen.length - survived} of ${chosen.length} caught`);
  process.exitCode = survived === 0 ? 0 : 1;
}

main();
