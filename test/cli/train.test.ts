import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readMetrics } from '../../src/training/metrics';
import { fixturePath, jsonFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';
import { differences } from '../torture/killing';

const root = resolve(__dirname, '..', '..');
const program = ['--import', 'tsx', join('src', 'cli', 'train.ts')];

function run(...args: readonly string[]) {
  const options = { cwd: root, encoding: 'utf8' } as const;
  return spawnSync(process.execPath, [...program, ...args], options);
}

/** A run of a moment a step on a tiny pipeline. */
const small = (outputDir: string, ...more: readonly string[]) => [
  ...['--pretrained_model_name_or_path', fixturePath('pipelines', 'tiny-sd')],
  ...['--dataset_name', fixturePath('oracle', 'pickapic_tiny'), '--resolution', '16'],
  ...['--train_batch_size', '2', '--learning_rate', '1e-3'],
  ...['--lr_warmup_steps', '2', '--seed', '7', '--mixed_precision', 'no', '--report_to', 'none'],
  ...['--output_dir', outputDir, ...more],
];

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program, and sends it a signal as soon as it has told of a step. */
function interrupted(
  signal: NodeJS.Signals,
  command: string,
  args: readonly string[],
): Promise<Ended> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: root });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => {
      stdout += data;
    });
    child.stderr.on('data', (data: Buffer) => {
      const before = stderr;
      stderr += data;
      if (/^step /m.test(stderr) && !/^step /m.test(before)) child.kill(signal);
    });
    child.once('error', failed);
    child.once('close', (status) => done({ status, stdout, stderr }));
  });
}

/** The words of a command that a run printed, as a shell reads them. */
function printedCommand(stdout: string): string[] {
  const [, words = ''] = /^ {2}npm run train -- (.*)$/m.exec(stdout) ?? [];
  const script = `exec "$0" ${program.join(' ')} ${words}`;
  return ['-c', script, process.execPath];
}

describe('npm run train', function () {
  this.timeout(600_000);

  it('trains in the embedded world, and says in plain lines how far it is and where the model is', () =>
    inTemporaryFolder(async (folder) => {
      const args = ['--preset', 'toy', '--max_train_steps', '2', '--train_batch_size', '4'];
      const { status, stdout, stderr } = run(...args, '--output_dir', folder);
      assert.equal(status, 0, stderr);
      assert.equal(stdout, `The trained pipeline is in ${folder}.\n`);
      assert.match(stderr, /^step 1\/2 · loss 0\.6931 · implicit accuracy 50 % · .* pairs\/s · /m);
      assert.match(stderr, /^step 2\/2 · loss .* · in .* · lr 1\.00e-6$/m);
      assert.ok(!stderr.includes('\r'), 'lines are drawn over');
      const metrics = await readMetrics(join(folder, 'metrics.jsonl'));
      assert.deepEqual(
        metrics.map(({ step, lr }) => [step, lr]),
        [
          [1, 0],
          [2, 1e-5 * (1 / 10)],
        ],
      );
      assert.equal(metrics[0]?.train_loss, Math.fround(Math.LN2));
    }));

  it('stops on Ctrl-C and SIGTERM with status 130, and goes on by the command it prints', () =>
    inTemporaryFolder(async (folder) => {
      const [whole, parts] = [join(folder, 'whole'), join(folder, "someone's parts")];
      const length = ['--max_train_steps', '30'];
      assert.equal(run(...small(whole, ...length)).status, 0);
      let next = [process.execPath, ...program, ...small(parts, ...length)];
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        const [command = '', ...args] = next;
        const { status, stdout, stderr } = await interrupted(signal, command, args);
        assert.equal(status, 130, stderr);
        assert.match(
          stderr,
          new RegExp(`^${signal}: ending the micro-batch and saving; the next`, 'm'),
        );
        const [, path = '', step] =
          /^Kept (.*), after step (\d+)\. The same command/.exec(stdout) ?? [];
        assert.equal(path, join(parts, `checkpoint-${step}`));
        assert.ok(existsSync(path) && Number(step) < 30, stdout);
        next = ['sh', ...printedCommand(stdout)];
      }
      const [command = '', ...args] = next;
      const last = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
      assert.equal(last.status, 0, last.stderr);
      assert.deepEqual(
        (await differences(whole, parts)).filter((name) => !/^checkpoint-(?!30)/.test(name)),
        [],
      );
    }));

  it('refuses a wrong flag with status 2, and says where the right ones are', () => {
    const { status, stdout, stderr } = run(...small('out', '--beta_dop', '3'));
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(
      stderr,
      'npm run train --: error: unrecognized arguments: --beta_dop 3\nnpm run train -- --help lists all flags.\n',
    );
  });

  it('refuses the folder of another run in one sentence, with status 1', () =>
    inTemporaryFolder(async (folder) => {
      writeFileSync(join(folder, 'model_index.json'), '{}');
      const { status, stdout, stderr } = run(...small(folder, '--max_train_steps', '9'));
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(
        stderr,
        /^--output_dir is .*model_index\.json is of another run; give another folder, .*\.\n$/,
      );
    }));

  it("prints the plan of the original's README example, pasted whole, and trains nothing", () => {
    const { lines } = jsonFixture<{ lines: { README: { argv: readonly string[] } } }>(
      'training',
      'flags.json',
    );
    const { status, stdout, stderr } = run(...lines.README.argv, '--dry_run');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^effective batch .*\b1 pairs = 1 in a micro-batch/m);
    assert.match(stdout, /^learning rate .*\b1e-8\b/m);
    assert.match(stderr, /^accelerate launch: one process trains here/m);
    assert.ok(!existsSync(join(root, 'tmp-sd15')));
  });

  it('keeps the last good checkpoint when the disk is full, and names the file', () =>
    inTemporaryFolder(async (folder) => {
      assert.equal(run(...small(folder, '--max_train_steps', '2')).status, 0);
      const before = readdirSync(folder);
      const optimizer = join(folder, 'checkpoint-2', 'optimizer.safetensors');
      const blocks = Math.floor(readFileSync(optimizer).length / 512) - 1;
      const words = [...program, ...small(folder, '--max_train_steps', '4')];
      const script = `ulimit -f ${blocks}; exec "$0" "$@"`; // a larger file cannot be written
      const options = { cwd: root, encoding: 'utf8' } as const;
      const full = spawnSync('sh', ['-c', script, process.execPath, ...words], options);
      assert.equal(full.status, 1, full.stderr);
      assert.match(
        full.stderr,
        /checkpoint-4\/optimizer\.safetensors could not be written \(EFBIG: .*checkpoint-2 is still there\.$/m,
      );
      assert.doesNotMatch(full.stderr, /^ +at /m);
      assert.deepEqual(readdirSync(folder), before);
      const { status, stderr } = run(...small(folder, '--max_train_steps', '4'));
      assert.equal(status, 0, stderr);
      assert.match(stderr, /^Going on after step 2 of .*checkpoint-2\.$/m);
    }));

  it('stops where a loss is no number, and says where the record of the step is', () =>
    inTemporaryFolder(async (folder) => {
      const absurd = [
        '--learning_rate',
        '1e30',
        '--max_grad_norm',
        '1e30',
        '--lr_scheduler',
        'constant',
      ];
      const { status, stdout, stderr } = run(...small(folder, ...absurd));
      assert.deepEqual([status, stdout], [1, '']);
      const [, path = ''] =
        /^The record of the step is in (.*broken-step\.json)\.$/m.exec(stderr) ?? [];
      assert.equal(JSON.parse(readFileSync(path, 'utf8')).step, 2);
      assert.match(
        stderr,
        /^The (loss|gradient) of step 2 is NaN, expected a finite number; .*\.$/m,
      );
      assert.doesNotMatch(stderr, /^ +at /m);
    }));
});
