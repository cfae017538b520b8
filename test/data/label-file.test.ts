import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLabelFile, type LabelLine, LabelWriter, readLabels } from '../../src/data/label-file';
import { inTemporaryFolder } from '../support/temporary';

const line = (pair: string, label_0: LabelLine['label_0'], labeller = 'anna'): LabelLine => ({
  ...{ pair, label_0, labeller, left: 'jpg_0', sha256: ['a', 'b'], at: '2026-01-01T00:00:00.000Z' },
});

/** Opens the file, adds the lines, and closes it. */
async function write(path: string, ...lines: readonly LabelLine[]): Promise<void> {
  const writer = await LabelWriter.open(path, 'pairs.jsonl');
  for (const each of lines) writer.add(each);
  writer.close();
}

const answers = (path: string, labeller = 'anna') =>
  [...(readLabels(path).byLabeller.get(labeller) ?? [])].map(([pair, { label_0 }]) => [
    pair,
    label_0,
  ]);

describe('a file of labels', () => {
  it('keeps the last answer of each to each pair, in the order of answering', () =>
    inTemporaryFolder(async (root) => {
      const path = join(root, 'new', 'labels.jsonl');
      await write(path, line('a', 1), line('b', 0.5), line('c', 0), line('a', 0));
      await write(path, line('b', null), line('b', null, 'bert'), line('a', 1, 'bert'));
      assert.deepEqual(answers(path), [
        ['c', 0],
        ['a', 0],
      ]);
      assert.deepEqual(answers(path, 'bert'), [['a', 1]]);
      const { pairs, torn } = readLabels(path);
      assert.deepEqual([pairs, torn], ['pairs.jsonl', 0]);
      assert.equal(readFileSync(path, 'utf8').split('\n').length, 8, 'a line each and one above');
    }));

  it('loses nothing but a line that was torn, wherever that was cut', () =>
    inTemporaryFolder(async (root) => {
      const path = join(root, 'labels.jsonl');
      await write(path, line('a', 1), line('b', 0));
      const whole = readFileSync(path);
      const second = whole.lastIndexOf(10);
      const first = whole.lastIndexOf(10, second - 1);
      const near = [0, first, second].flatMap((end) => [end - 1, end, end + 1, end + 2]);
      const cuts = [...whole.keys()].filter((bytes) => bytes % 9 === 4 || near.includes(bytes));
      for (const bytes of cuts) {
        writeFileSync(path, whole);
        truncateSync(path, bytes);
        await write(path, line('c', 0.5));
        const kept = bytes >= second ? [['a', 1]] : [];
        assert.deepEqual(answers(path), [...kept, ['c', 0.5]], `cut at ${bytes}`);
        const isTorn = ![0, first, first + 1, second, second + 1].includes(bytes);
        assert.equal(readLabels(path).torn, isTorn ? 1 : 0, `cut at ${bytes}`);
        assert.ok(isLabelFile(path), `cut at ${bytes}`);
      }
    }));

  it('takes the lines of several writers at once', () =>
    inTemporaryFolder(async (root) => {
      const path = join(root, 'labels.jsonl');
      const names = ['anna', 'bert', 'carl'];
      const writers = await Promise.all(names.map(() => LabelWriter.open(path, 'pairs.jsonl')));
      for (let i = 0; i < 30; i++) {
        if (i === 10) appendFileSync(path, '\n{"pair":"to'); // somebody was killed
        writers[i % 3]?.add(line(`${i}`, 1, names[i % 3]));
      }
      for (const writer of writers) writer.close();
      assert.deepEqual(
        names.map((name) => answers(path, name).length),
        [10, 10, 10],
      );
      assert.equal(readLabels(path).torn, 1);
    }));

  it('is not begun in a file of something else, nor gone on with for other pairs', () =>
    inTemporaryFolder(async (root) => {
      const path = join(root, 'labels.jsonl');
      for (const text of [
        '{"prompt":"a"}\n',
        'notes',
        '{"labels":2,"pairs":"x"}',
        '{"labels":1}',
      ]) {
        writeFileSync(path, text);
        await assert.rejects(write(path), /^RangeError: /, text);
        assert.equal(readFileSync(path, 'utf8'), text);
      }
      writeFileSync(path, '{"labels":1,"pairs":"others"}');
      await assert.rejects(
        write(path),
        /is of the pairs in "others", and of those in "pairs\.jsonl" too/,
      );
    }));

  it('names the line that says something else', () =>
    inTemporaryFolder(async (root) => {
      const path = join(root, 'labels.jsonl');
      const good = line('a', 1);
      const bad = [
        ...[{}, { ...good, label_0: 2 }, { ...good, label_0: '1' }, { ...good, left: 'left' }],
        ...[
          { ...good, sha256: ['a'] },
          { ...good, pair: 7 },
          { ...good, labeller: undefined },
        ],
      ];
      for (const each of bad) {
        writeFileSync(
          path,
          `{"labels":1,"pairs":"x"}\n${JSON.stringify(good)}\n${JSON.stringify(each)}\n`,
        );
        assert.throws(() => readLabels(path), /^RangeError: Line 3 of ".*" is no label\.$/);
      }
      assert.throws(() => readLabels(join(root, 'none')), /There is no file of labels/);
    }));
});
