/**
 * `npm run bench`: times train step and sampling, side by side with PyTorch where DPO_TORCH_PYTHON names a
 * Python with torch and diffusers. The two take turns, so that both meet the same machine. A report, not a test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { UNET_JSON } from '../toyworld/model-configs';
import { type BenchArgs, benchArgs } from './bench/args';
import { type BenchCase, benchCases } from './bench/names';

/** A process that answers each line with a line of JSON. */
class Peer {
  readonly info: Promise<Record<string, unknown>>;
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
  ) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.on('error', (error) => {
      process.stderr.write(`${name} could not be started: ${error.message}\n`);
      process.exit(1);
    });
    const output = this.child.stdout;
    if (!output) throw new Error(`${name} has no output to read.`);
    this.answers = createInterface({ input: output })[Symbol.asyncIterator]();
    this.info = this.read();
  }

  private async read(): Promise<Record<string, unknown>> {
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`${this.name} ended before it answered; its own message is above.`);
    return JSON.parse(value);
  }

  /** Milliseconds of one run of a case. */
  async time(name: BenchCase): Promise<number> {
    this.child.stdin?.write(`${name}\n`);
    return Number((await this.read()).ms);
  }

  stop(): void {
    this.child.stdin?.end();
  }
}

function peers(): Peer[] {
  const here = join(__dirname, 'bench');
  const ours = new Peer('ours', process.execPath, ['--import', 'tsx', join(here, 'worker.ts')]);
  const python = process.env.DPO_TORCH_PYTHON;
  if (!python) return [ours];
  const settings = JSON.stringify({ unet: UNET_JSON, threads: availableParallelism() });
  return [ours, new Peer('PyTorch', python, [join(here, 'bench_torch.py'), settings])];
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

async function measure(
  name: BenchCase,
  runners: readonly Peer[],
  { rounds, warm_ups }: BenchArgs,
): Promise<number[][]> {
  const times: number[][] = runners.map(() => []);
  for (let round = -warm_ups; round < rounds; round++)
    for (const [i, runner] of runners.entries()) {
      const ms = await runner.time(name);
      if (round >= 0) times[i]?.push(ms);
    }
  return times.map((list) => list.sort((a, b) => a - b));
}

const show = (times: readonly number[]) =>
  `${quantile(times, 0.5).toFixed(1).padStart(8)} ms (min ${(times[0] ?? Number.NaN).toFixed(1)})`;

async function main(): Promise<void> {
  const args = benchArgs(process.argv.slice(2));
  const runners = peers();
  for (const runner of runners)
    process.stdout.write(`${runner.name}: ${JSON.stringify(await runner.info)}\n`);
  if (runners.length === 1)
    process.stdout.write('Set DPO_TORCH_PYTHON to a Python with torch and diffusers to compare.\n');
  process.stdout.write(`Median and minimum of ${args.rounds} runs, taken in turns.\n\n`);
  for (const name of args.cases) {
    const [ours = [], torch] = await measure(name, runners, args);
    const speed = torch ? `  ${(quantile(torch, 0.5) / quantile(ours, 0.5)).toFixed(2)}×` : '';
    const theirs = torch ? `   PyTorch ${show(torch)}${speed}` : '';
    process.stdout.write(`${name.padEnd(10)} ${show(ours)}${theirs}   ${benchCases[name]}\n`);
  }
  for (const runner of runners) runner.stop();
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
