import assert from 'node:assert/strict';
import { inOneProcess, launchLine, splitWords } from '../../src/cli/launch-line';

describe('splitWords', () => {
  it('sees the words that a shell sees', () => {
    const text = `# a comment, "unclosed
      --a 1 --b="x y"   --c='it"s' \\
      --d a\\ b --e "say \\"hi\\"" --f '' # the rest
      --g=a#b`;
    const words = ['--a', '1', '--b=x y', `--c=it"s`, '--d', 'a b', '--e', 'say "hi"', '--f', ''];
    assert.deepEqual(splitWords(text), [...words, '--g=a#b']);
  });

  it('refuses a quote that is not closed', () =>
    assert.throws(() => splitWords(`--a 'b`), { name: 'UsageError', message: /not closed: '/ }));
});

describe('launchLine', () => {
  it('leaves plain flags alone', () => {
    const flags = ['--seed', '1', 'train.py'];
    assert.deepEqual(launchLine(flags), { flags, launcher: 'none' });
    assert.deepEqual(launchLine([]), { flags: [], launcher: 'none' });
  });

  it('drops what stands before the flags of train.py, and reads precision and processes in it', () => {
    const words =
      'accelerate launch --mixed_precision=bf16 --multi_gpu --num_processes 16 ./train.py --seed 1';
    assert.deepEqual(launchLine(words.split(' ')), {
      flags: ['--seed', '1'],
      launcher: 'accelerate',
      numProcesses: 16,
      mixedPrecision: 'bf16',
    });
    const own = ['CUDA_VISIBLE_DEVICES=0', 'python', 'DiffusionDPO/train.py', '--sdxl'];
    assert.deepEqual(launchLine(own), { flags: ['--sdxl'], launcher: 'python' });
  });

  it('refuses words that are no such line', () => {
    assert.throws(() => launchLine(['toy']), /'toy' is no flag; give flags, or a line such as/);
    const none = ['accelerate', 'launch', '--num_processes=0', 'train.py'];
    assert.throws(() => launchLine(none), /--num_processes is '0'; give an integer, 1 or more/);
  });
});

describe('inOneProcess', () => {
  const line = (words: string) => launchLine(words.split(' '));

  it('accumulates what the other processes would do', () => {
    const launched = line('accelerate launch --num_processes 16 train.py');
    const { request, notes } = inOneProcess(launched, { gradientAccumulationSteps: 128 });
    assert.deepEqual(request, { gradientAccumulationSteps: 2048 });
    assert.match(notes.join('\n'), /^accelerate's --num_processes 16: .* 128 × 16 = 2048, which/);
    assert.deepEqual(inOneProcess(launched, {}).request, { gradientAccumulationSteps: 16 });
  });

  it("goes by accelerate's precision unless train.py's own is given", () => {
    const launched = line('accelerate launch --mixed_precision no --num_processes 1 train.py');
    assert.deepEqual(inOneProcess(launched, {}), { request: { mixedPrecision: 'no' }, notes: [] });
    const own = { mixedPrecision: 'bf16' } as const;
    assert.deepEqual(inOneProcess(launched, own).request, own);
  });
});
