import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { CheckpointError } from '../../src/hub/checkpoint-error';
import { saveCheckpoint } from '../../src/training/checkpoint';
import { checkConfiguration, NEVER_MATTER } from '../../src/training/configuration';
import { trainOptionRows } from '../../src/training/options';
import { findCheckpoint, loadCheckpoint } from '../../src/training/resume';
import { assertHolds, smallParts } from '../support/small-checkpoint';
import { inTemporaryFolder } from '../support/temporary';

const weights = 'pytorch_lora_weights.safetensors';

function flipBit(path: string, position: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  writeFileSync(path, bytes);
}

/** Rewrites a manifest's text. */
function edit(folder: string, change: (text: string) => string): void {
  const path = join(folder, 'manifest.json');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

/** What can befall a checkpoint, and what is said of it. */
const damages: Readonly<Record<string, readonly [(folder: string) => void, RegExp]>> = {
  'no manifest': [(f) => rmSync(join(f, 'manifest.json')), /manifest\.json: there is no such file/],
  'an empty manifest': [
    (f) => edit(f, () => ''),
    /"{" was expected \(at character 0 of the manifest\)/,
  ],
  'a manifest cut in the middle': [(f) => edit(f, (t) => t.slice(0, 300)), /of the manifest\)/],
  'a manifest cut before its last brace': [
    (f) => edit(f, (t) => t.slice(0, -2)),
    /of the manifest\)/,
  ],
  'text after the manifest': [(f) => edit(f, (t) => `${t}{}`), /text follows/],
  'a manifest of zeros': [(f) => edit(f, (t) => '\0'.repeat(t.length)), /"{" was expected/],
  'another format': [(f) => edit(f, (t) => t.replace('checkpoint 1', 'checkpoint 2')), /format/],
  'a field twice': [
    (f) => edit(f, (t) => t.replace('"step": 20', '"step": 20, "step": 20')),
    /twice/,
  ],
  'a step that is no integer': [
    (f) => edit(f, (t) => t.replace('"step": 20', '"step": 2e1')),
    /","/,
  ],
  'no step': [(f) => edit(f, (t) => t.replace('"step": 20,', '')), /step, config_sha256 and files/],
  'another step': [(f) => edit(f, (t) => t.replace('"step": 20', '"step": 21')), /of step 21/],
  'a hash of other digits': [
    (f) => edit(f, (t) => t.replace(/"sha256": "./, '"sha256": "G')),
    /64 hex/,
  ],
  'a name that leaves the folder': [
    (f) => edit(f, (t) => t.replace('"data.json"', '"../data.json"')),
    /"\.\.\/data\.json" is no name of a file/,
  ],
  'an absolute name': [(f) => edit(f, (t) => t.replace('"data.json"', '"/data.json"')), /no name/],
  'a missing file': [(f) => rmSync(join(f, 'generators.json')), /generators\.json: it is missing/],
  'an extra file': [
    (f) => writeFileSync(join(f, 'more.safetensors'), ''),
    /more\.safetensors: the manifest does not list this file/,
  ],
  'an extra folder of files': [
    (f) => {
      mkdirSync(join(f, 'unet'));
      writeFileSync(join(f, 'unet', 'config.json'), '{}');
    },
    /unet\/config\.json: the manifest does not list/,
  ],
  'a link in place of a file': [
    (f) => {
      renameSync(join(f, 'data.json'), join(f, '..', 'elsewhere.json'));
      symlinkSync(join(f, '..', 'elsewhere.json'), join(f, 'data.json'));
    },
    /data\.json: it is neither a file nor a folder/,
  ],
  'a file cut short': [
    (f) => writeFileSync(join(f, weights), readFileSync(join(f, weights)).subarray(0, -1)),
    /has 4103 bytes, expected 4104/,
  ],
  'a flipped bit in the weights': [
    (f) => flipBit(join(f, weights), 2000),
    /it is damaged: its SHA-256/,
  ],
  'a flipped bit in a header': [
    (f) => flipBit(join(f, 'optimizer.safetensors'), 9),
    /it is damaged/,
  ],
  'a flipped bit in the state of a generator': [
    (f) => flipBit(join(f, 'generators.json'), 20),
    /damaged/,
  ],
};

describe('findCheckpoint', () => {
  it("finds nothing for 'latest' in a folder without checkpoints, or without the folder", () =>
    inTemporaryFolder(async (out) => {
      assert.equal(await findCheckpoint(out, 'latest'), undefined);
      assert.equal(await findCheckpoint(join(out, 'none'), 'latest'), undefined);
    }));

  describe('passes over a torn checkpoint, refuses it when named, and says why', () => {
    for (const [what, [damage, reason]] of Object.entries(damages))
      it(what, () =>
        inTemporaryFolder(async (out) => {
          for (const step of [9, 20]) await saveCheckpoint(out, step, smallParts(step));
          const torn = join(out, 'checkpoint-20');
          damage(torn);
          const found = await findCheckpoint(out, 'latest');
          assert.equal(found?.path, join(out, 'checkpoint-9')); // 20 comes before 9 as text
          assert.equal(found.step, 9);
          assert.equal(found.passedOver.length, 1);
          assert.equal(found.passedOver[0]?.path, torn);
          assert.match(found.passedOver[0]?.reason ?? '', reason);
          await assertHolds(found.path, 9);
          if (what === 'another step') return; // under another name it is a good one
          await assert.rejects(findCheckpoint(out, torn), (error: Error) => {
            assert.ok(error instanceof CheckpointError);
            assert.match(error.message, reason);
            return true;
          });
        }),
      );
  });

  it('does not start anew in silence where every checkpoint is torn', () =>
    inTemporaryFolder(async (out) => {
      const path = await saveCheckpoint(out, 1, smallParts(1));
      flipBit(join(path, weights), 3000);
      await assert.rejects(
        findCheckpoint(out, 'latest'),
        /no checkpoint in it verifies: .*damaged/,
      );
    }));

  it('takes names, full and relative paths, trailing slashes, and folders that were renamed', () =>
    inTemporaryFolder(async (out) => {
      const path = await saveCheckpoint(out, 5, smallParts(5));
      cpSync(path, join(out, 'best'), { recursive: true });
      const near = relative(process.cwd(), path);
      for (const which of ['checkpoint-5', 'checkpoint-5/', path, `${path}//`, near, `${near}/`])
        assert.deepEqual(
          await findCheckpoint(out, which),
          { path, step: 5, passedOver: [] },
          which,
        );
      const renamed = await findCheckpoint('elsewhere', `${join(out, 'best')}/`);
      assert.deepEqual(renamed, { path: join(out, 'best'), step: 5, passedOver: [] });
      for (const which of ['checkpoint-6', '/none/checkpoint-5', join(path, 'data.json')])
        await assert.rejects(
          findCheckpoint(out, which),
          /there is no such checkpoint to resume from/,
        );
    }));
});

describe('loadCheckpoint', () => {
  it('tells where weights are, and refuses to name what the checkpoint does not hold', () =>
    inTemporaryFolder(async (out) => {
      const write = async (path: string) => {
        mkdirSync(path);
        writeFileSync(join(path, 'config.json'), '{}');
        return {};
      };
      const parts = { ...smallParts(1), weights: [{ path: 'unet', write }] };
      const loaded = await loadCheckpoint(await saveCheckpoint(out, 1, parts));
      assert.equal(loaded.weights('unet'), join(out, 'checkpoint-1', 'unet'));
      assert.throws(() => loaded.weights('une'), /it holds no une/);
      assert.throws(() => loaded.weights('../checkpoint-1'), /it holds no/);
      assert.equal(await loaded.ema(), undefined);
      assert.deepEqual(await loaded.config(), { learningRate: 1e-4, seed: 7 });
    }));

  it('reads the moving average where there is one', () =>
    inTemporaryFolder(async (out) => {
      const ema = [{ name: 'w', shape: [1], data: Float32Array.of(0.5) }];
      const loaded = await loadCheckpoint(await saveCheckpoint(out, 1, { ...smallParts(1), ema }));
      const file = await loaded.ema();
      try {
        assert.deepEqual(await file?.read('w'), Float32Array.of(0.5));
      } finally {
        await file?.close();
      }
    }));
});

describe('checkConfiguration', () => {
  it('knows no option that the command line does not have', () => {
    const flags = trainOptionRows.map(({ flag }) => flag as string);
    const ownNames = [...NEVER_MATTER].filter((name) => !['dry_run', 'preset'].includes(name));
    for (const name of ownNames) assert.ok(flags.includes(name), name);
  });

  const saved = { learningRate: 1e-4, seed: 7, betaDpo: 5000, maxTrainSteps: 10, outputDir: 'a' };

  it('lets options differ that change where, how long and how loudly a run goes', () => {
    const now = {
      ...saved,
      maxTrainSteps: 20,
      outputDir: 'b',
      reportTo: 'none',
      validationSteps: 5,
    };
    checkConfiguration(saved, { ...now, hubToken: 'hf_x', extra: undefined });
  });

  it('names every option that differs as its flag, with both values', () => {
    const now = { ...saved, learningRate: 1e-5, seed: '7', betaDpo: undefined, lora: { rank: 4 } };
    assert.throws(
      () => checkConfiguration(saved, now),
      (error: Error) => {
        for (const told of [
          '--learning_rate was 0.0001, is 0.00001',
          '--seed was 7, is "7"',
          '--beta_dpo was 5000, is not set',
          '--lora was not set, is {"rank":4}',
        ])
          assert.ok(error.message.includes(told), `${told} in ${error.message}`);
        assert.doesNotMatch(error.message, /max_train|output_dir/);
        return true;
      },
    );
  });

  it('ignores what it is told to, under any spelling of the name', () => {
    const now = { ...saved, learningRate: 1, betaDpo: 1, seed: 1 };
    checkConfiguration(saved, now, ['--learning_rate', 'betaDpo', 'seed']);
    const counted = { ...saved, accelerate0202Accumulation: true };
    checkConfiguration(saved, counted, ['accelerate_0_20_2_accumulation']);
    assert.throws(
      () => checkConfiguration(saved, counted),
      /: --accelerate_0_20_2_accumulation was not set, is true\./,
    );
    assert.throws(
      () => checkConfiguration(saved, now, ['learning_rate', 'seed']),
      /configuration: --beta_dpo was 5000, is 1\./,
    );
  });
});
