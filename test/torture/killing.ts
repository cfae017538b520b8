/** Runs that are killed at random moments and started again, held against the same run left alone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PythonRandom } from '../../src/random/python-random';
import { cleanOutputFolder } from '../../src/training/checkpoint-folders';
import { describeFiles } from '../../src/training/checkpoint-manifest';
import { readMetrics, TIMING_METRICS } from '../../src/training/metrics';
import { findCheckpoint } from '../../src/training/resume';

const root = resolve(__dirname, '..', '..');

/** Arguments of Node that start a run into a folder, and go on with it. */
export type Command = (outputDir: string) => readonly string[];

interface Ended {
  readonly seconds: number;
  readonly killed: boolean;
  readonly output: string;
}

/** Runs a process, killed with SIGKILL after `killAfter` seconds. Throws where it ends badly by itself. */
function run(args: readonly string[], killAfter?: number): Promise<Ended> {
  const start = performance.now();
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        output += data.toString();
      });
    const timer =
      killAfter === undefined
        ? undefined
        : setTimeout(() => child.kill('SIGKILL'), 1e3 * killAfter);
    child.once('error', failed);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      const killed = signal === 'SIGKILL' && killAfter !== undefined;
      const seconds = (performance.now() - start) / 1000;
      if (status === 0 || killed) done({ seconds, killed, output });
      else failed(new Error(`node ${args.join(' ')} ended with ${status ?? signal}:\n${output}`));
    });
  });
}

/** The step of the last checkpoint that a run said it had saved. */
const lastSaved = (output: string): number =>
  Number([...output.matchAll(/saved \S*checkpoint-(\d+)/gi)].at(-1)?.[1] ?? 0);

/** What the next start finds: never a torn checkpoint, and none that was saved is lost. */
async function lookAfterKill(outputDir: string, saved: number): Promise<'resumes' | 'starts'> {
  await cleanOutputFolder(outputDir);
  const found = await findCheckpoint(outputDir, 'latest');
  assert.deepEqual(found?.passedOver ?? [], [], 'a checkpoint is torn');
  const step = found?.step ?? 0;
  assert.ok(step >= saved, `checkpoint-${saved} was saved, but the newest is of step ${step}`);
  return found ? 'resumes' : 'starts';
}

export interface KillOptions {
  /** Runs go into folders in here. */
  readonly folder: string;
  readonly kills: number;
  /** Of the moments. @default 0 */
  readonly seed?: number;
}

/** What the kills did. */
export interface KillReport {
  readonly kills: number;
  /** Runs that were begun from nothing, each killed and resumed until it had ended. */
  readonly runs: number;
  /** Kills after which there was a checkpoint to go on from. */
  readonly resumed: number;
}

/**
 * Kills a run at random moments of its length and starts it again, from nothing when it has ended, until it was killed
 * `kills` times and has ended.
 * @throws AssertionError where a checkpoint is torn or lost, or an ended run differs from the one left alone
 */
export async function killAndResume(
  command: Command,
  { folder, kills, seed = 0 }: KillOptions,
): Promise<KillReport> {
  const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
  const { seconds } = await run(command(whole));
  const random = new PythonRandom(seed);
  const report = { kills: 0, runs: 1, resumed: 0 };
  for (let saved = 0; ; ) {
    const moment = report.kills < kills ? random.random() * seconds : undefined;
    const { killed, output } = await run(command(broken), moment);
    if (killed) {
      report.kills += 1;
      saved = Math.max(saved, lastSaved(output));
      if ((await lookAfterKill(broken, saved)) === 'resumes') report.resumed += 1;
      continue;
    }
    assert.deepEqual(await differences(whole, broken), []);
    if (report.kills >= kills) return report;
    rmSync(broken, { recursive: true });
    report.runs += 1;
    saved = 0;
  }
}

/**
 * In what two output folders differ: files, bit for bit, and figures of the metrics. Options name the folder, and event
 * files hold times: these are left out, and so are manifests, which list the files compared, and what attempts left
 * that were killed before their first checkpoint (`metrics-1.jsonl`).
 */
export async function differences(a: string, b: string): Promise<string[]> {
  const LEFT_OUT =
    /(^|\/)(config\.json|run\.json|manifest\.json|metrics(-\d+)?\.jsonl)$|^logs\/|tfevents/;
  const [filesA, filesB] = [await describeFiles(a, {}), await describeFiles(b, {})];
  const names = [...new Set([...filesA.keys(), ...filesB.keys()])].filter(
    (name) => !LEFT_OUT.test(name) || /^(unet|vae|text_encoder)\/config\.json$/.test(name),
  );
  const files = names.filter((name) => filesA.get(name)?.sha256 !== filesB.get(name)?.sha256);
  const [metricsA, metricsB] = [await comparable(a), await comparable(b)];
  const lines = Array.from({ length: Math.max(metricsA.length, metricsB.length) }, (_, i) => i);
  const differing = lines.filter((i) => metricsA[i] !== metricsB[i]);
  return [
    ...files,
    ...differing.map(
      (i) => `metrics.jsonl: ${metricsA[i] ?? 'no line'} and ${metricsB[i] ?? 'no line'}`,
    ),
  ];
}

/** Lines of a run's metrics without what depends on the clock. */
async function comparable(outputDir: string): Promise<string[]> {
  const records = await readMetrics(join(outputDir, 'metrics.jsonl'));
  return records.map((record) =>
    JSON.stringify(Object.entries(record).filter(([name]) => !TIMING_METRICS.has(name))),
  );
}
