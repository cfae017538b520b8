import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRESETS, presetWords } from '../../src/cli/presets';
import { trainCommand } from '../../src/cli/train-args';
import { WORLD_RECIPE } from '../../src/toyworld/world-training';
import { effectiveOptions } from '../../src/training/effective';
import { optionOf, type TrainFlag } from '../../src/training/options';
import { jsonFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const { lines } = jsonFixture<{
  readonly lines: Readonly<Record<string, { readonly parsed: Readonly<Record<string, unknown>> }>>;
}>('training', 'flags.json');

const ofPreset = (name: string, ...more: readonly string[]) =>
  trainCommand(['--preset', name, ...more]).options;

describe('presets', () => {
  it('are six files of flags, one a line, with comments', () =>
    assert.deepEqual(PRESETS, ['sd15', 'sd15-paper', 'sdxl', 'sdxl-paper', 'toy', 'turbo']));

  for (const name of ['sd15', 'sdxl', 'turbo'])
    it(`${name} is the original's launcher with the accumulation of its 16 GPUs`, () => {
      const options = ofPreset(name);
      const expected = { ...lines[name]?.parsed, gradient_accumulation_steps: 16 * 128 };
      for (const [flag, value] of Object.entries(expected)) {
        if (flag === 'cache_dir' || flag === 'train_method') continue; // the authors' folder; no flag
        assert.deepEqual(options[optionOf(flag as TrainFlag)] ?? null, value, flag);
      }
      const { totalBatchSize, learningRate } = effectiveOptions(options);
      assert.deepEqual([totalBatchSize, learningRate], [2048, 2.048e-5]);
    });

  for (const [name, beta, optimizer] of [
    ['sd15-paper', 2000, 'AdamW'],
    ['sdxl-paper', 5000, 'Adafactor'],
  ] as const)
    it(`${name} has the paper's hyper-parameters`, () => {
      const options = ofPreset(name);
      const effective = effectiveOptions(options);
      assert.equal(options.betaDpo, beta);
      assert.equal(effective.totalBatchSize, 2048);
      assert.ok(Math.abs(effective.learningRate / ((2000 / beta) * 2.048e-8) - 1) < 1e-12);
      assert.equal(effective.optimizer, optimizer);
      assert.equal(options.lrWarmupSteps, 0.25 * options.maxTrainSteps);
    });

  it("toy is the world's recipe", () => {
    const options = ofPreset('toy');
    for (const [name, value] of Object.entries(WORLD_RECIPE))
      assert.equal(options[name as keyof typeof WORLD_RECIPE], value, name);
    assert.deepEqual([options.resolution, options.noHflip], [32, true]);
  });

  it('give way to flags of the line', () => {
    const { maxTrainSteps, betaDpo } = ofPreset('sd15', '--max_train_steps', '10');
    assert.deepEqual([maxTrainSteps, betaDpo], [10, 5000]);
  });

  it("may be a file of one's own", () =>
    inTemporaryFolder(async (folder) => {
      const file = join(folder, 'mine.flags');
      writeFileSync(
        file,
        `${presetWords('toy').join('\n')} # and\n--validation_prompts "a star" b\n`,
      );
      assert.deepEqual(ofPreset(file).validationPrompts, ['a star', 'b']);
      writeFileSync(file, '--preset toy');
      assert.throws(() => ofPreset(file), /names no other preset/);
    }));
});
