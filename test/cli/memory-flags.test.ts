import assert from 'node:assert/strict';
import { ArgumentParser } from 'argparse';
import { addMemoryFlags, type MemoryFlags, memoryOptions } from '../../src/cli/memory-flags';

function asked(...argv: readonly string[]): MemoryFlags {
  const parser = new ArgumentParser({ exit_on_error: false });
  addMemoryFlags((flag, options) => parser.add_argument(flag, options));
  return parser.parse_args([...argv]) as unknown as MemoryFlags;
}

describe('the flags that save memory', () => {
  it('cut nothing where they are not given', () => {
    const lines: string[] = [];
    assert.deepEqual(
      memoryOptions(asked(), 'fused', (line) => lines.push(line)),
      { vaeSlicing: 'none', vaeTiling: undefined, attentionSlice: undefined },
    );
    assert.deepEqual(lines, []);
  });

  it("have diffusers' sizes where they stand alone", () => {
    const { vaeTiling, vaeSlicing, attentionSlice } = memoryOptions(
      asked('--vae_tiling', '--vae_slicing', '--attention_slicing'),
      'plain',
      assert.fail,
    );
    assert.deepEqual([vaeTiling, vaeSlicing, attentionSlice], [{}, 'pictures', 'auto']);
  });

  it('take a size, and a number of heads', () => {
    const options = (...argv: readonly string[]) =>
      memoryOptions(asked(...argv), 'plain', assert.fail);
    assert.deepEqual(options('--vae_tiling', '512').vaeTiling, { tileSampleMinSize: 512 });
    assert.equal(options('--attention_slicing', 'max').attentionSlice, 'max');
    assert.equal(options('--attention_slicing', '3').attentionSlice, 3);
    for (const wrong of ['0', '1.5', 'min'])
      assert.throws(() => asked('--attention_slicing', wrong), /give an integer, 1 or more/);
    for (const wrong of ['8', '100'])
      assert.throws(() => asked('--vae_tiling', wrong), /a multiple of 32/);
  });

  it('say in a line what slicing heads does not do in fused mode', () => {
    const lines: string[] = [];
    const { attentionSlice } = memoryOptions(asked('--attention_slicing'), 'fused', (line) =>
      lines.push(line),
    );
    assert.equal(attentionSlice, 'auto');
    assert.match(lines.join('|'), /^--attention_slicing: the fused kernels store no scores[^|]*$/);
  });
});
