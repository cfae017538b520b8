import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { usableProcessors } from '../../engine/threads';
import type { Precision, Work } from './catalogue';
import type { Calibration } from './works';

/** What a process is to run. */
export interface Assignment {
  readonly work: Work | Calibration;
  readonly precision: Precision;
  /** For files that several processes of one case read. */
  readonly folder: string;
  /** `prepare` writes those files; `count` tells the floating-point operations of one run. */
  readonly task: 'run' | 'prepare' | 'count';
}

/** An implementation that takes part, and how its processes are started. */
export interface Side {
  readonly name: string;
  readonly command: readonly string[];
}

const ours: Side = {
  name: 'ours',
  command: [process.execPath, '--import', 'tsx', join(__dirname, 'worker.ts')],
};

/** PyTorch with tensors laid out as it usually has them, and channels last. */
function torchSides(python: string): Side[] {
  return ['NCHW', 'channels_last'].map((form) => ({
    name: `PyTorch ${form}`,
    command: [python, join(__dirname, 'bench_torch.py'), form, String(usableProcessors())],
  }));
}

/** Ours first; PyTorch where DPO_TORCH_PYTHON names a Python that has it. */
export function sides(python = process.env.DPO_TORCH_PYTHON): Side[] {
  return python ? [ours, ...torchSides(python)] : [ours];
}

/** A process with one case set up, which runs it when told to. */
export class Peer {
  /** What it said when it was ready. */
  readonly info: Promise<Readonly<Record<string, unknown>>>;
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor({ name, command: [program = '', ...args] }: Side, assignment: Assignment) {
    this.child = spawn(program, [...args, JSON.stringify(assignment)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const output = this.child.stdout;
    if (!output) throw new Error(`${name} has no output to read.`);
    this.answers = createInterface({ input: output })[Symbol.asyncIterator]();
    const failed = new Promise<never>((_, reject) => {
      this.child.once('error', (error) => {
        reject(new Error(`${name} could not be started: ${error.message}`));
      });
    });
    this.info = Promise.race([failed, this.read(name)]);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  private async read(name: string): Promise<Readonly<Record<string, unknown>>> {
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`${name} ended before it answered; its own message is above.`);
    return JSON.parse(value);
  }

  /** Milliseconds of one run; undefined where it takes longer than that: then the process is ended. */
  async time(longest = Number.POSITIVE_INFINITY): Promise<number | undefined> {
    this.child.stdin?.write('run\n');
    const isLimited = Number.isFinite(longest);
    const killing = isLimited ? setTimeout(() => this.child.kill('SIGKILL'), longest) : undefined;
    try {
      const { ms } = await this.read('A process');
      return this.child.killed ? undefined : Number(ms);
    } catch (error) {
      if (this.child.killed) return undefined;
      throw error;
    } finally {
      clearTimeout(killing);
    }
  }

  /** Bytes of the process that are resident now, or were at most, where there is a /proc. */
  bytes(line: 'VmRSS' | 'VmHWM'): number | undefined {
    const status = `/proc/${this.pid}/status`;
    if (!existsSync(status)) return undefined;
    const [, kilobytes] =
      readFileSync(status, 'utf8').match(RegExp(`^${line}:\\s+(\\d+) kB`, 'm')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin?.end();
    await ended;
  }
}
