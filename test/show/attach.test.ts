/** Runs looked at from outside: one that goes on in another process, one that is over, one that was killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { attach, DISPLAY, lookOf } from '../../src/show';
import { readRunStatus } from '../../src/training/run-status';
import { type RunInfo, runInfo, runs } from '../../src/training/runs';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';
import { request, run } from '../support/train-run';

const root = resolve(__dirname, '..', '..');
const NOTEBOOK = Symbol.for('diffusion-dpo.notebook');

interface Shown {
  readonly call: 'display' | 'update';
  readonly id: string | undefined;
  readonly at: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Stands where the kernel puts itself; the cell is stopped by what is returned with what was shown. */
function inNotebook() {
  const shown: Shown[] = [];
  const stop = new AbortController();
  type Data = Shown['data'];
  const page = {
    signal: stop.signal,
    display: (data: Data, { displayId: id }: { readonly displayId?: string } = {}) =>
      shown.push({ call: 'display', id, at: Date.now(), data }),
    update: (id: string, data: Data) => shown.push({ call: 'update', id, at: Date.now(), data }),
  };
  Object.assign(globalThis, { [NOTEBOOK]: page });
  return { shown, stop };
}

/** What was shown at one place under the cell after the other, place by place. */
const placesOf = (shown: readonly Shown[]) =>
  [...new Set(shown.map(({ id }) => id))].map((id) => shown.filter((one) => one.id === id));

const textOf = ({ data }: Shown) => String(data['text/plain']);

/** Starts a training of `steps` steps as the terminal does. */
function train(outputDir: string, steps: number): ChildProcess {
  const words = [
    ...['--pretrained_model_name_or_path', fixturePath('pipelines', 'tiny-sd')],
    ...['--dataset_name', fixturePath('oracle', 'pickapic_tiny'), '--resolution', '16'],
    ...['--train_batch_size', '2', '--lr_warmup_steps', '2', '--seed', '7'],
    ...['--mixed_precision', 'no', '--report_to', 'none', '--validation_prompts', 'a red star'],
    ...['--validation_steps', '2', '--max_train_steps', String(steps), '--output_dir', outputDir],
  ];
  const program = ['--import', 'tsx', join('src', 'cli', 'train.ts'), ...words];
  return spawn(process.execPath, program, { cwd: root, stdio: 'ignore' });
}

/** Waits until a run is told to have taken `step` steps. */
async function untilStep(id: string, folder: string, step: number): Promise<RunInfo> {
  for (;;) {
    await setTimeout(100);
    const info = (await runs({ folder })).find((one) => one.id === id);
    if (info && info.step >= step) return info;
  }
}

describe('attach', () => {
  afterEach(() => Reflect.deleteProperty(globalThis, NOTEBOOK));

  it('follows a run of another process on one display until it ends', () =>
    inTemporaryFolder(async (folder) => {
      const closed = once(train(join(folder, 'going-on'), 24), 'close');
      const before = await untilStep('going-on', folder, 2);
      assert.deepEqual([before.state, before.maxTrainSteps], ['running', 24]);
      const { shown } = inNotebook();
      const info = await attach('going-on', { folder });
      assert.deepEqual([info.state, info.step], ['finished', 24]);
      await closed;

      const [head = [], curves = [], ...others] = placesOf(shown);
      assert.deepEqual(others, []);
      for (const place of [head, curves]) {
        assert.deepEqual(
          place.map(({ call }) => call),
          ['display', ...place.slice(1).map(() => 'update')],
        );
        for (const [i, { at }] of place.slice(1, -1).entries())
          assert.ok(at - (place[i]?.at ?? 0) >= 250, 'more than four a second');
      }
      const [first, last] = [head[0], head.at(-1)] as [Shown, Shown];
      assert.match(textOf(first), /^going-on: running, step \d+ of 24\nloss 0\.\d+ · /);
      assert.match(textOf(last), /^going-on: finished, step 24 of 24\n/);
      assert.match(String(last.data['text/html']), /alt="validation\/step-24\/0\.png"/);
      assert.match(String(curves[0]?.data['image/svg+xml']), /^<svg .*Loss 0\.\d+ → /s);
      assert.ok(curves.at(-1)?.data['application/vnd.plotly.v1+json']);
      const path = join(folder, 'going-on');
      const text = `Run going-on, finished after 24 steps in ${path}`;
      assert.deepEqual(await lookOf(info)?.[DISPLAY](), { 'text/plain': text });
    }));

  it('tells a killed run from a finished one, and shows the command that goes on', () =>
    inTemporaryFolder(async (folder) => {
      const outputDir = join(folder, 'it is killed');
      const child = train(outputDir, 10_000);
      await untilStep('it is killed', folder, 2);
      child.kill('SIGKILL');
      await once(child, 'close');
      const { shown } = inNotebook();
      const info = await attach('it is killed', { folder });
      assert.equal(info.state, 'interrupted');
      assert.equal(JSON.parse(readFileSync(join(outputDir, 'run.json'), 'utf8')).state, 'running');
      assert.ok(info.resume?.startsWith(`cd ${root} && npm run train -- --pretrained_model_name`));
      assert.ok(info.resume?.endsWith(`--output_dir '${outputDir}'`));
      const [head, curves] = shown as [Shown, Shown];
      assert.match(textOf(head), /interrupted, step \d+ of 10000\n.*To go on from there:\ncd /s);
      assert.ok(curves.data['application/vnd.plotly.v1+json']); // once, and not as the value again
      assert.equal(shown.length, 2);
    }));

  it('leaves a run alone when the cell is stopped', () =>
    inTemporaryFolder(async (folder) => {
      const path = runFolder(folder, 'a', { pid: process.pid });
      const { shown, stop } = inNotebook();
      const following = attach('a', { folder });
      while (shown.length === 0) await setTimeout(20);
      stop.abort();
      assert.equal((await following).state, 'running');
      assert.equal((await readRunStatus(path))?.state, 'running');
    }));

  it('refuses a run that is not there', () =>
    assert.rejects(attach('no-such-run'), {
      name: 'RangeError',
      message: /no run "no-such-run" in /,
    }));
});

/** A folder as a process that trains has it. */
function runFolder(
  folder: string,
  name: string,
  status: object,
  metrics = '{"step":3,"loss":0.5}\n',
) {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const begun = { state: 'running', host: hostname(), startedAt: '2026-03-01T12:00:00Z' };
  const rest = { maxTrainSteps: 9, cwd: root, ...status };
  writeFileSync(join(path, 'run.json'), JSON.stringify({ ...begun, ...rest }));
  writeFileSync(join(path, 'metrics.jsonl'), metrics);
  return path;
}

describe('runs', () => {
  it('has the runs of folders within folders, the newest first, and not their checkpoints', () =>
    inTemporaryFolder(async (folder) => {
      runFolder(folder, 'old/dpo', { state: 'finished' });
      runFolder(folder, 'old/dpo/checkpoint-3', {});
      await setTimeout(20);
      runFolder(folder, 'new', { state: 'failed', error: 'The loss is NaN.' }, '');
      const found = await runs({ folder });
      assert.deepEqual(
        found.map(({ id, state, step, loss, error }) => [id, state, step, loss, error]),
        [
          ['new', 'failed', 0, undefined, 'The loss is NaN.'],
          ['old/dpo', 'finished', 3, 0.5, undefined],
        ],
      );
      const text = String((await lookOf(found)?.[DISPLAY]())?.['text/plain']);
      assert.match(text, /^old\/dpo +finished +3 +9 +0\.5/m);
    }));

  it('says where it looked when there are none', () =>
    inTemporaryFolder(async (folder) => {
      const found = await runs({ folder: join(folder, 'nowhere') });
      assert.equal(found.length, 0);
      const look = await lookOf(found)?.[DISPLAY]();
      const text = `There are no runs in ${join(folder, 'nowhere')}: no folder in it has run.json or metrics.jsonl.`;
      assert.equal(look?.['text/plain'], text);
      assert.ok(String(look?.['text/html']).includes(text));
      assert.equal(lookOf([]), undefined);
    }));

  it('takes a run for finished that has all its steps, where a cell trained it itself', () =>
    inTemporaryFolder(async (folder) => {
      for (const [name, maxTrainSteps] of Object.entries({ whole: 3, half: 6 })) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'config.json'), JSON.stringify({ maxTrainSteps }));
        writeFileSync(join(folder, name, 'metrics.jsonl'), '{"step":3,"loss":0.5}\n');
      }
      const states = (await runs({ folder })).map(({ id, state }) => `${id}: ${state}`);
      assert.deepEqual(states.sort(), ['half: interrupted', 'whole: finished']);
    }));

  it('does not take another process of the same number for the run', () =>
    inTemporaryFolder(async (folder) => {
      const path = runFolder(folder, 'a', { pid: process.pid, processStart: '1' });
      const expected = process.platform === 'linux' ? 'interrupted' : 'running';
      assert.equal((await readRunStatus(path))?.state, expected);
    }));

  it('believes another machine while its metrics grow', () =>
    inTemporaryFolder(async (folder) => {
      const path = runFolder(folder, 'a', { pid: 1, host: 'elsewhere' });
      assert.equal((await readRunStatus(path))?.state, 'running');
      const long = new Date(Date.now() - 3600e3);
      for (const name of readdirSync(path)) utimesSync(join(path, name), long, long);
      assert.equal((await readRunStatus(path))?.state, 'interrupted');
    }));

  it('has a cell that goes on with a run of a notebook, under the same options', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'left');
      await run(request(path), {}, 2);
      const left = await runInfo('left', { folder });
      assert.deepEqual([left.state, left.step], ['interrupted', 2]);
      const [, file = ''] = /readFileSync\((".*?")/.exec(left.resume ?? '') ?? [];
      assert.match(left.resume ?? '', /dashboard\(train\(\{ \.\.\.options, outputDir: /);
      const options = JSON.parse(readFileSync(JSON.parse(file), 'utf8'));
      const { records } = await run({ ...options, outputDir: path });
      assert.deepEqual(
        records.map(({ step }) => step),
        [3, 4, 5, 6],
      );
      assert.equal((await runInfo(path)).state, 'finished');
    }));
});
