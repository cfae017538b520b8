import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolve } from '../../../src/hub/remote/resolve';
import { planPush, pushToHub } from '../../../src/hub/remote/upload';
import { fixturePath } from '../../support/fixtures';
import { inTemporaryFolder } from '../../support/temporary';
import { HASTY, type HubTrial, withHub } from '../../support/with-hub';

const REPO = 'someone/tuned';
const TOKEN = 'hf_abcdefghijklmnopqrstuvwxyz';

/** An output folder as a run leaves it: pipeline, options, metrics, pictures, a checkpoint. */
function runFolder(root: string): string {
  const folder = join(root, 'run');
  cpSync(fixturePath('pipelines', 'tiny-sd'), folder, { recursive: true });
  const config = {
    pretrainedModelNameOrPath: 'someone/base',
    datasetName: 'someone/pairs',
    lossType: 'dpo',
    betaDpo: 5000,
    maxTrainSteps: 200,
    hubCommits: { 'someone/base': 'b'.repeat(40), 'datasets/someone/pairs': 'd'.repeat(40) },
    unetInit: '',
    outputDir: '/secret/place',
    hubToken: TOKEN,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(
    join(folder, 'metrics.jsonl'),
    '{"step":199,"train_loss":1}\n{"step":200,"train_loss":0.512345,"implicit_acc_accumulated":0.75}\n',
  );
  writeFileSync(
    join(folder, 'evaluation.json'),
    JSON.stringify({
      PickScore: { mean: 0.701, low: 0.66, high: 0.74, n: 500, wins: 350 },
      note: 'x',
    }),
  );
  for (const [step, name] of [
    ['step-100', '0.png'],
    ['step-200', '0.png'],
    ['step-200', '1.png'],
  ] as const) {
    mkdirSync(join(folder, 'validation', step), { recursive: true });
    writeFileSync(join(folder, 'validation', step, name), `${step} ${name}`);
  }
  mkdirSync(join(folder, 'checkpoint-200'));
  writeFileSync(join(folder, 'checkpoint-200', 'optimizer.safetensors'), 'x');
  writeFileSync(join(folder, 'unet', '.swap'), 'x');
  return folder;
}

const withRun = (fn: (trial: HubTrial & { readonly run: string }) => Promise<unknown>) =>
  withHub((trial) => {
    const options = { ...trial.options, patience: { ...HASTY, stallMs: 10_000 } };
    return fn({ ...trial, options, run: runFolder(trial.folder) });
  });

/** The files that the mock hub has at a branch. */
const onHub = ({ hub }: HubTrial, branch = 'main') => {
  const repo = hub.store.repos.get(`model ${REPO}`);
  return repo?.commits.get(repo.refs.get(branch) ?? '') ?? new Map();
};

describe('planPush', () => {
  it('takes the model and its samples; no checkpoint, log or option leaves', () =>
    inTemporaryFolder(async (root) => {
      const { files } = await planPush(runFolder(root), REPO);
      assert.deepEqual(
        files.map(({ path }) => path),
        [
          'model_index.json',
          'scheduler/scheduler_config.json',
          'text_encoder/config.json',
          'text_encoder/model.safetensors',
          'tokenizer/tokenizer.json',
          'tokenizer/tokenizer_config.json',
          'unet/config.json',
          'unet/diffusion_pytorch_model.safetensors',
          'vae/config.json',
          'vae/diffusion_pytorch_model.safetensors',
          'samples/0.png',
          'samples/1.png',
        ],
      );
    }));

  it('takes the denoiser alone, in its folder or at the root as the original sends it', () =>
    inTemporaryFolder(async (root) => {
      const run = runFolder(root);
      rmSync(join(run, 'validation'), { recursive: true });
      const names = async (choice: Parameters<typeof planPush>[2]) =>
        (await planPush(run, REPO, choice)).files.map(({ path }) => path);
      assert.deepEqual(await names({ part: 'unet' }), [
        'unet/config.json',
        'unet/diffusion_pytorch_model.safetensors',
      ]);
      assert.deepEqual(await names({ layout: 'root' }), [
        'config.json',
        'diffusion_pytorch_model.safetensors',
      ]);
      await assert.rejects(
        names({ part: 'pipeline', layout: 'root' }),
        /is for the denoiser alone/,
      );
      await assert.rejects(planPush(join(run, 'tokenizer'), REPO), /has no model to send/);
      await assert.rejects(
        planPush(run, 'tuned'),
        /"tuned" is no name of a repository; give owner\/name\./,
      );
    }));

  it('writes a card of what is known of the run, and of nothing else', () =>
    inTemporaryFolder(async (root) => {
      const run = runFolder(root);
      const { card } = await planPush(run, REPO, { license: 'openrail++' });
      for (const line of [
        'license: "openrail++"',
        'base_model: someone/base',
        '- someone/pairs',
        `| base model | \`someone/base\` at \`${'b'.repeat(40)}\` |`,
        `| data set | \`someone/pairs\` at \`${'d'.repeat(40)}\` |`,
        '| β | `5000` |',
        '| optimizer steps | `200` |',
        '| PickScore | 70.1 % | 66.0–74.0 % | 500 |',
        'At step 200: training loss 0.5123, implicit accuracy 75.0 %.',
        '![sample](samples/1.png)',
        'pipe = DiffusionPipeline.from_pretrained("someone/tuned")',
      ])
        assert.ok(card.split('\n').includes(line), `${line}\nis not in\n${card}`);
      assert.doesNotMatch(card, /secret|hf_abc|denoiser from|LoRA|seed \|/);
      for (const name of ['config.json', 'metrics.jsonl', 'evaluation.json'])
        rmSync(join(run, name));
      rmSync(join(run, 'validation'), { recursive: true });
      const bare = await planPush(run, REPO);
      assert.match(bare.card, /How it was trained is not written down in its folder\./);
      assert.doesNotMatch(
        bare.card,
        /Win rates|## Training|## Samples|base_model|datasets|license:/,
      );
      writeFileSync(join(run, 'README.md'), 'my own');
      assert.equal((await planPush(run, REPO)).card, 'my own');
    }));

  it('leaves text of the run no way to become markup', () =>
    inTemporaryFolder(async (root) => {
      const run = runFolder(root);
      writeFileSync(
        join(run, 'config.json'),
        JSON.stringify({
          pretrainedModelNameOrPath: 'x`|<script>\n---\nlicense: mit',
          datasetName: 'a/b\nevil: 1',
        }),
      );
      const { card } = await planPush(run, REPO);
      assert.equal(card.split(/^---$/m).length, 3);
      assert.doesNotMatch(card, /^evil|^license/m);
    }));
});

describe('pushToHub', () => {
  it('makes the repository, sends all in one commit, and what was sent loads by its name', () =>
    withRun(async (trial) => {
      const { hub, options, run } = trial;
      const { url, commit } = await pushToHub(run, REPO, { ...options, token: TOKEN });
      assert.equal(url, `${hub.endpoint}/${REPO}/commit/${commit}`);
      const files = onHub(trial);
      assert.equal(files.size, 13);
      assert.match(
        files.get('README.md')?.bytes.toString() ?? '',
        /^---\n.*library_name: diffusers/s,
      );
      const { path } = await resolve(REPO, options);
      for (const name of ['unet/config.json', 'unet/diffusion_pytorch_model.safetensors'])
        assert.deepEqual(readFileSync(join(path, name)), readFileSync(join(run, name)));
      for (const { host, authorization } of hub.asked)
        assert.ok(host === 'hub' || authorization === undefined, 'the token went to the storage');
    }));

  it('sends nothing twice', () =>
    withRun(async ({ hub, options, run }) => {
      const push = () => pushToHub(run, REPO, { ...options, token: TOKEN });
      await push();
      const puts = () => hub.asked.filter(({ method }) => method === 'PUT').length;
      assert.equal(puts(), 5);
      writeFileSync(join(run, 'unet', 'diffusion_pytorch_model.safetensors'), 'other');
      await push();
      assert.equal(puts(), 6);
    }));

  it('sends large files in parts, where the hub asks for it', () =>
    withRun(async (trial) => {
      trial.hub.partSize = 50_000;
      await pushToHub(trial.run, REPO, { ...trial.options, token: TOKEN });
      const name = 'unet/diffusion_pytorch_model.safetensors';
      assert.deepEqual(onHub(trial).get(name)?.bytes, readFileSync(join(trial.run, name)));
      assert.ok(trial.hub.asked.filter(({ method }) => method === 'PUT').length > 8);
    }));

  it('opens a pull request, and makes a private repository', () =>
    withRun(async (trial) => {
      const { hub, options, run } = trial;
      const choice = { as: 'pull request', visibility: 'private' } as const;
      const { url } = await pushToHub(run, REPO, { ...options, ...choice, token: TOKEN });
      assert.equal(url, `${hub.endpoint}/${REPO}/discussions/1`);
      assert.equal(onHub(trial).size, 0);
      assert.equal(onHub(trial, 'refs/pr/1').size, 13);
      assert.equal(hub.store.repos.get(`model ${REPO}`)?.access, 'private');
    }));

  it('commits to the branch that is named', () =>
    withRun(async (trial) => {
      const { options, run } = trial;
      await pushToHub(run, REPO, { ...options, revision: 'seed-1', token: TOKEN });
      assert.equal(onHub(trial).size, 0);
      assert.equal(onHub(trial, 'seed-1').size, 13);
      const wrong = pushToHub(run, REPO, { ...options, revision: '../x', token: TOKEN });
      await assert.rejects(wrong, /"\.\.\/x" is no revision/);
    }));

  it('says what to do without a token, and with one that is refused', () =>
    withRun(async ({ options, run }) => {
      await assert.rejects(
        pushToHub(run, REPO, options),
        /^HubError: Uploading needs a token that may write: make one at/,
      );
      await assert.rejects(
        pushToHub(run, REPO, { ...options, token: 'hf_expired' }),
        (error: Error) => {
          assert.match(error.message, /does not accept the token \(401\)/);
          return !/hf_expired/.test(error.message);
        },
      );
    }));

  it('tells how far it is, and stops when it is told to', () =>
    withRun(async ({ options, run, hub }) => {
      const asked = { ...options, token: TOKEN };
      const control = new AbortController();
      const stop = ({ bytes }: { bytes: number }) => bytes > 0 && control.abort();
      await assert.rejects(
        pushToHub(run, REPO, { ...asked, signal: control.signal, onProgress: stop }),
        { name: 'AbortError' },
      );
      assert.ok(!hub.asked.some(({ path }) => /\/commit\//.test(path)));
      let last: Record<string, unknown> = {};
      await pushToHub(run, REPO, {
        ...asked,
        onProgress: (progress) => {
          last = { ...progress };
        },
      });
      assert.equal(last.direction, 'upload');
      assert.deepEqual([last.bytes, last.files], [last.totalBytes, last.totalFiles]);
    }));
});
