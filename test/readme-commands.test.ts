/** Every command that the README names is run, at a small size where it has one, and so is its first cell. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KernelDied, startKernel } from '../kernels/typescript/client';
import { readPngText } from '../src/data/read-png-text';
import { fixturePath } from './support/fixtures';
import {
  allShownArguments,
  firstCell,
  namedScripts,
  root,
  scripts,
  shownArguments,
} from './support/readme';
import { inTemporaryFolder } from './support/temporary';

/** Scripts whose runs would be tests within tests: who runs them, and how they are called there. */
const elsewhere: Readonly<Record<string, readonly [file: string, call: string]>> = {
  start: ['test/cli/start.test.ts', "'start.ts'"],
  lab: ['test/cli/lab.test.ts', 'src/cli/lab.ts'],
  'kernel:install': ['test/cli/kernel-install.test.ts', 'src/cli/kernel-install.ts'],
  'test:notebooks': ['.ci/run', 'add test:parity'],
  evaluate: ['test/cli/evaluate.test.ts', "'src/cli/evaluate.ts'"],
  test: ['.ci/run', 'npm test'],
  label: ['test/cli/label.test.ts', "'label.ts'"],
  'test:lab': ['test/notebooks/lab.test.ts', "'../lab/describe-in-lab'"],
};

interface Trial {
  readonly args: readonly string[];
  readonly input?: string;
  /** @default 'done' */
  readonly end?: 'done' | 'refused';
  /** Throws where what was printed or left in the folder is wrong. */
  readonly check: (output: string) => void;
}

/** A small form of every other script; `folder` is a temporary one. */
const trials: Readonly<Record<string, (folder: string) => Trial>> = {
  sample: (folder) => {
    const args = shownArguments('sample');
    const output = join(folder, 'out.png');
    args[args.indexOf('out.png')] = output;
    const check = () => {
      const text = readPngText(readFileSync(output));
      assert.equal(text.get('prompt'), 'a red star on a white background');
      assert.equal(text.get('seed'), '7');
    };
    return { args, check };
  },
  convert: (folder) => {
    const args = shownArguments('convert');
    const output = join(folder, 'model.safetensors');
    args[args.indexOf('model.safetensors')] = output;
    const check = (printed: string) => {
      assert.equal(printed, `${output}\n`);
      assert.ok(statSync(output).size > 1e6);
    };
    return { args, check };
  },
  train: (folder) => {
    const small = ['--max_train_steps', '2', '--train_batch_size', '2', '--report_to', 'none'];
    const [plan = [], adapter = []] = allShownArguments('train');
    assert.ok(plan.includes('--dry_run') && adapter.includes('--lora_rank'));
    adapter[adapter.indexOf('--output_dir') + 1] = folder;
    const check = (output: string) => {
      assert.equal(output, `The trained pipeline is in ${folder}.\n`);
      assert.ok(readdirSync(folder).includes('pytorch_lora_weights.safetensors'));
      const printed = run('train', { args: plan, check: () => undefined });
      assert.match(printed, /^effective batch +32 pairs /m);
    };
    return { args: [...adapter, ...small], check };
  },
  upload: () => {
    const args = shownArguments('upload');
    args[args.indexOf('runs/adapter')] = join('data', 'base');
    const check = (output: string) => {
      assert.match(output, /^unet\/diffusion_pytorch_model\.safetensors +[\d.]+ MB$/m);
      assert.match(output, /, to someone\/my-model; README\.md:\n\n---\nlibrary_name: diffusers$/m);
    };
    return { args, check };
  },
  proof: (folder) => ({
    args: [
      ...['--captions', '2', '--steps', '1', '--seeds', '0', '--output', folder],
      ...['--mixed_precision', 'bf16'],
    ],
    check: (output) => {
      for (const title of ['DPO, seed 0', 'SFT on random winners', 'DPO, reversed labels'])
        assert.match(output, new RegExp(`^${title} .* % \\(.*, n = 2\\)`, 'm'));
      const [run = ''] = readdirSync(folder);
      const proof = JSON.parse(readFileSync(join(folder, run, 'proof.json'), 'utf8'));
      assert.equal(Object.keys(proof).length, 5);
      const config = JSON.parse(readFileSync(join(folder, run, 'config.json'), 'utf8'));
      assert.equal(config.mixedPrecision, 'bf16');
    },
  }),
  bench: () => ({
    args: ['--rounds', '1', '--warm_ups', '0', '--cases', 'world-16', 'conv-net'],
    check: (output) =>
      assert.equal(output.match(/^\| (world-16|conv-net) +\| [\d.]+ \(/gm)?.length, 2, output),
  }),
  mutate: () => ({
    args: ['--only', 'loss: sign'],
    check: (output) => assert.match(output, /^caught by \d+ +loss: sign.*\n\n1 of 1 caught$/m),
  }),
  torture: () => ({
    args: ['engine', '--only', 'handles', '--operations', '4000'],
    check: (output) => assert.match(output, /^✔ handles: 4000 operations, .* 0 handles left, /m),
  }),
  world: (folder) => {
    const before = stamps();
    const check = (output: string) => {
      assert.match(output, /^base utility +\S+ +[\d.]+$/m);
      assert.match(output, /^scorer label agreement /m);
      assert.match(output, /^\d+ of \d+ files are the same/m);
      assert.ok(readdirSync(join(folder, 'data')).includes('README.md'));
      assert.deepEqual(stamps(), before, 'data/ was touched');
    };
    return { args: ['--scale', '0.0005', '--output', folder], check };
  },
  'verify:full-size': () => ({
    args: ['--folder', fixturePath('full-size')],
    check: (output) => assert.match(output, /^gradient, relative L2 .*^✔ as PyTorch$/ms),
  }),
  score: () => ({
    args: shownArguments('score'),
    check: (output) =>
      assert.match(
        output,
        /^embedded, revision local, SHA-256 [\da-f]{64}\n +score {2}picture\n *-?0\.\d{6} {2}notebooks\/first-light\.png\n$/,
      ),
  }),
  // Needs Python libraries that no test may need: what can be seen here is that it says so.
  'check:python': () => ({
    args: [],
    end: 'refused',
    check: (output) => assert.match(output, /DPO_TORCH_PYTHON: must name a Python with /),
  }),
  'check:sample': () => ({
    args: [],
    end: 'refused',
    check: (output) => assert.match(output, /DPO_TORCH_PYTHON: must name a Python with /),
  }),
  'check:tokenizer': () => ({
    args: [],
    end: 'refused',
    check: (output) => assert.match(output, /DPO_TORCH_PYTHON: must name a Python with /),
  }),
  'check:scores': () => ({
    args: [],
    end: 'refused',
    check: (output) => assert.match(output, /DPO_TORCH_PYTHON: must name a Python with /),
  }),
  'check:kernel': () => ({
    args: ['--help'],
    check: (output) => assert.match(output, /^usage: npm run check:kernel .*^checks:/ms),
  }),
  export: (folder) => {
    const [notebook = ''] = shownArguments('export');
    const output = join(folder, 'out.html');
    const check = () => assert.match(readFileSync(output, 'utf8'), /<h1 .*plotly\.js/s);
    return { args: [notebook, output], check };
  },
  notebook: (folder) => {
    const output = join(folder, 'copy.ipynb');
    const check = (printed: string) => {
      assert.equal(printed.split('\n').at(-2), output);
      assert.match(readFileSync(output, 'utf8'), /"execution_count": 21,/);
    };
    return { args: [...shownArguments('notebook'), '--output', output], check };
  },
  doctor: () => ({ args: [], check: (output) => assert.match(output, /^\| TensorFlow /m) }),
  format: () => ({
    args: ['--stdin-file-path=src/a.ts'],
    input: 'export const   a = "b"',
    check: (output) => assert.equal(output, "export const a = 'b';\n"),
  }),
};

/** Names, sizes and times of everything in `data/`. */
function stamps(): string[] {
  const folder = join(root, 'data');
  return readdirSync(folder, { recursive: true }).map((name) => {
    const { size, mtimeMs } = statSync(join(folder, String(name)));
    return `${name} ${size} ${mtimeMs}`;
  });
}

/** Runs what a script does after set-up, whose own tests are elsewhere. Returns what it printed. */
function run(script: string, { args, input = '', end = 'done' }: Trial): string {
  const program = (scripts[script] ?? '').split(/&&|;/).at(-1)?.trim() ?? '';
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`;
  const { DPO_TORCH_PYTHON: _, TF_CPP_MIN_LOG_LEVEL: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${program} "$@"`, 'sh', ...args], {
    ...{ cwd: root, input, encoding: 'utf8', env: { ...env, PATH: path } },
  });
  assert.equal(status === 0, end === 'done', stdout + stderr);
  assert.doesNotMatch(stderr, /InitializeLog|oneDNN|cpu_feature_guard/, 'TensorFlow talks');
  return end === 'done' ? stdout : stderr;
}

describe('the commands of README.md', () => {
  it('are scripts of package.json, each run by a test', () => {
    assert.ok(namedScripts.length >= 10, `only ${namedScripts} were found`);
    for (const script of namedScripts) {
      assert.ok(scripts[script], `${script} is no script of package.json`);
      assert.ok(script in trials || script in elsewhere, `no test runs npm run ${script}`);
    }
    for (const [file, call] of Object.values(elsewhere))
      assert.ok(readFileSync(join(root, file), 'utf8').includes(call), `${file} calls ${call}`);
  });

  for (const [script, trial] of Object.entries(trials))
    it(`npm run ${script}`, () =>
      inTemporaryFolder(async (folder) => {
        const prepared = trial(folder);
        prepared.check(run(script, prepared));
      }));

  it('tell their options', () => {
    const check = () => undefined;
    for (const script of [
      'sample',
      'score',
      'evaluate',
      'train',
      'upload',
      'label',
      'notebook',
      'export',
      'proof',
      'bench',
      'mutate',
      'torture',
      'world',
      'verify:full-size',
    ])
      assert.match(
        run(script, { args: ['--help'], check }),
        new RegExp(`^usage: npm run ${script} -- .*^options:`, 'ms'),
      );
  });
});

describe('the first cell of README.md', () => {
  it('trains: the loss starts at ln 2', async () => {
    const kernel = await startKernel({ folder: join(root, 'notebooks') });
    let text = '';
    const onMessage = (type: string, content: Readonly<Record<string, unknown>>) => {
      if (type === 'stream') text += String(content.text);
      if (text.split('\n').length > 3) void kernel.shutdown(); // all steps would take minutes
    };
    try {
      const { evalue } = await kernel.execute(firstCell, { onMessage });
      assert.fail(`The cell ended after\n${text}${evalue}`);
    } catch (error) {
      if (!(error instanceof KernelDied)) throw error;
    } finally {
      await kernel.shutdown();
    }
    const [first = [], second = []] = text.split('\n').map((line) => line.split(' ').map(Number));
    assert.deepEqual(first.slice(0, 2), [1, Math.fround(Math.LN2)]);
    assert.equal(second[0], 2);
    assert.ok(Number.isFinite(second[1]));
  });
});
