/** The checks of `npm run torture -- engine`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { supportedSets } from '../support/instruction-sets';
import type { Settings } from '../torture';
import type { Account } from './churn';

const root = resolve(__dirname, '..', '..');
const kernels = join(root, 'kernels', 'tensorflow');

/** Runs Node in the checkout; resolves to what it printed. Throws where it ends badly. */
function node(args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...environment },
  });
  if (status !== 0)
    throw new Error(`node ${args.join(' ')} ended with ${status ?? signal}:\n${stdout}${stderr}`);
  return stdout;
}

/** Runs test/torture/churn.ts in a process whose handles count from `firstId`. */
export function churn(operations: number, bytes: number, firstId: number): Account {
  const script = join(root, 'test', 'torture', 'churn.ts');
  const args = ['--expose-gc', '--import', 'tsx', script, String(operations), String(bytes)];
  return JSON.parse(node(args, { DPO_FIRST_TENSOR_ID: String(firstId) })) as Account;
}

/** Resident memory may grow by this much, whatever the number of operations: heaps that settle. */
const settling = 12e6;

/** Operations in a loop, half of them past the end of int32 ids, leave no handle and no byte. */
export function handlesCheck({ operations }: Settings): string {
  const account = churn(operations, 256, Math.max(0, 2 ** 31 - Math.floor(operations / 2)));
  assert.equal(account.wrong, 0, `${account.wrong} values were wrong`);
  assert.equal(account.handles, 0, `${account.handles} handles are left`);
  assert.ok(account.lastId > 2 ** 31, 'the ids did not pass 2^31');
  assert.ok(account.bytes < settling, `resident memory grew by ${account.bytes} bytes`);
  const memory = `memory ${(account.bytes / 1e6).toFixed(1)} MB`;
  return `${account.operations} operations, ids to ${account.lastId}, 0 handles left, ${memory}`;
}

interface KernelBuild {
  readonly instructionSets: readonly string[];
  buildKernels(options: {
    readonly root: string;
    readonly output: string;
    readonly flags: readonly string[];
  }): Promise<string>;
}

/** Environment of a process that loads a build with AddressSanitizer, whose own library must be loaded before all else. */
function sanitized(file: string): NodeJS.ProcessEnv {
  const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' });
  const path = /libasan\S* => (\S+)/.exec(stdout ?? '')?.[1];
  if (!path) throw new Error('The bounds check needs Linux and GCC with its library libasan.');
  // Node and TensorFlow keep much until the process ends: no leaks are looked for.
  return { LD_PRELOAD: path, ASAN_OPTIONS: 'detect_leaks=0' };
}

/** The parity tests of the native ops: what does not test set-up, the processor's choice or memory that is kept. */
function parityTests(): string[] {
  const folder = join(root, 'test', 'kernels', 'tensorflow');
  const names = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
  return names
    .filter((name) => !/^(setup|addon|isa|blocks)/.test(name))
    .map((n) => join(folder, n));
}

/** Throws unless the sanitizer ends a process that writes past the end of a tensor: TensorFlow's memory is watched. */
function checkTheCheck(folder: string, flags: readonly string[]): void {
  const tensorflow = join(kernels, 'build', 'tensorflow');
  const file = join(folder, 'overrun.node');
  const { status, stderr } = spawnSync(process.env.CXX ?? 'c++', [
    ...['-std=c++17', '-shared', '-fPIC', ...flags, join(__dirname, 'overrun.cc'), '-o', file],
    ...[
      `-I${join(tensorflow, 'include')}`,
      `-I${join(root, 'node_modules/node-api-headers/include')}`,
    ],
    ...[`-L${tensorflow}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    `-Wl,-rpath,${tensorflow}`,
  ]);
  if (status !== 0) throw new Error(`The control could not be compiled:\n${stderr}`);
  assert.throws(
    () => node(['-e', `require(${JSON.stringify(file)})`], sanitized(file)),
    /heap-buffer-overflow/,
    'AddressSanitizer does not see a write past the end of a tensor',
  );
}

/**
 * A build of the kernels that ends the process at the first access outside a buffer passes its tests, with every
 * instruction set: those that this processor lacks are computed in software, by two of AVX2's instructions for one.
 */
export async function boundsCheck(): Promise<string> {
  const module = pathToFileURL(join(kernels, 'build-kernels.mjs')).href;
  const { buildKernels, instructionSets } = (await import(module)) as KernelBuild;
  const flags = ['-O1', '-g', '-fno-omit-frame-pointer', '-fsanitize=address'];
  const output = join(kernels, 'build', 'sanitized');
  mkdirSync(output, { recursive: true });
  checkTheCheck(output, flags);
  const file = await buildKernels({ root, output, flags });
  const sets = supportedSets(instructionSets, file, sanitized(file));
  assert.ok(sets.includes('portable'), `${file} does not load, or does not run as portable`);
  const passed = sets.map((isa) => `${isa} ${testsPassed(file, isa)}`);
  const lacking = instructionSets.filter((isa) => !sets.includes(isa));
  if (lacking.length > 0 && sets.includes('avx2')) {
    const wide = await buildKernels({ root, output, flags: [...flags, ...SOFTWARE_AVX512] });
    passed.push(...lacking.map((isa) => `${isa} in software ${testsPassed(wide, isa)}`));
  }
  return `tests without an access out of bounds: ${passed.join(', ')}`;
}

/** Compiles what is meant for AVX-512 for AVX2. */
const SOFTWARE_AVX512 = [
  ...['-march=x86-64-v3', '-mno-avx512f', '-mno-avx512bf16'],
  ...['-include', join(__dirname, 'software-avx512.h')],
];

/** Runs the parity tests on a sanitized build. Throws where one fails. */
function testsPassed(file: string, isa: string): string {
  const environment = { ...sanitized(file), DPO_KERNELS_FILE: file, DPO_ISA: isa };
  const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
  const count = /(\d+) passing/.exec(node([mocha, ...parityTests()], environment))?.[1];
  assert.ok(count !== undefined, `${isa}: no test passed`);
  return count;
}
