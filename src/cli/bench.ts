/**
 * `npm run bench`: times what this software does, side by side with PyTorch where DPO_TORCH_PYTHON names a Python with
 * torch and diffusers. A report, not a test.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { usableProcessors } from '../engine/threads';
import { writeTextAtomically } from '../hub/atomic';
import { type BenchArgs, benchArgs } from './bench/args';
import { type BenchCase, benchCases, type Precision } from './bench/catalogue';
import { measure, measurePeak, PATIENCE } from './bench/measure';
import { type Side, sides } from './bench/peer';
import { loadingLine, type Row, rowOf, tableHead, tableRow } from './bench/report';
import { checkOutputs } from './output-files';

const say = (text: string) => process.stdout.write(`${text}\n`);

const PRECISIONS: readonly Precision[] = ['f32', 'bf16'];

async function peaks(
  everyone: readonly Side[],
  cases: readonly BenchCase[],
): Promise<ReadonlyMap<Precision, number>> {
  const found = new Map<Precision, number>();
  for (const precision of PRECISIONS) {
    if (!cases.some((c) => c.precision === precision)) continue;
    const peak = await measurePeak(everyone, precision);
    found.set(precision, peak);
    say(`Peak in ${precision}: ${(peak / 1e9).toFixed(0)} GFLOP/s (matrix product of side 2048)`);
  }
  return found;
}

async function measureAll(args: BenchArgs, folder: string): Promise<object> {
  const everyone = sides();
  const machine = { processor: cpus()[0]?.model.trim() ?? '', threads: usableProcessors() };
  say(`${machine.processor}, ${machine.threads} threads`);
  if (everyone.length === 1)
    say('Set DPO_TORCH_PYTHON to a Python with torch and diffusers to compare.');
  const chosen = args.cases.map((name) => [name, benchCases[name] as BenchCase] as const);
  const peak = await peaks(
    everyone,
    chosen.map(([, c]) => c),
  );
  say(
    `Median (quartiles) of ${args.rounds} runs, taken in turns; PyTorch in its better form, given up at ${PATIENCE} times ours.`,
  );
  say(
    'Floor: the multiplications of the formulas at that peak; tiles of 3 × 3 convolutions (Winograd) take fewer.',
  );
  say(
    'Memory: peak of the process in GB, ours / PyTorch. Others: processors that other work took.',
  );
  say(`\n${tableHead()}`);
  const rows: Row[] = [];
  for (const [name, benchCase] of chosen) {
    const measured = await measure(everyone, benchCase, { ...args, folder });
    const row = rowOf(name, benchCase, measured, peak.get(benchCase.precision) ?? Number.NaN);
    rows.push(row);
    say(tableRow(row));
  }
  for (const line of rows.flatMap((row) => loadingLine(row) ?? [])) say(line);
  return { date: new Date().toISOString(), machine, peak: Object.fromEntries(peak), rows };
}

async function main(): Promise<void> {
  const args = benchArgs(process.argv.slice(2));
  const { output, overwrite } = args;
  if (output) await checkOutputs([output], overwrite ? 'replace' : 'refuse');
  const folder = await mkdtemp(join(tmpdir(), 'dpo-bench-'));
  try {
    const report = await measureAll(args, folder);
    if (output) await writeTextAtomically(output, `${JSON.stringify(report, undefined, 2)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
