import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeFaults,
  type OwnPairs,
  openOwnPairs,
  openPairs,
  writeOwnPairs,
} from '../../src/data';
import { readPreferenceRows } from '../../src/data/pickapic';
import { writePreferencePairs } from '../../src/data/pickapic-writer';
import { pairPicture, type TrainingData } from '../../src/data/rows';
import { openTrainingData } from '../../src/data/training-data';
import { greyPng, jsonLines, writeFiles } from '../support/own-pairs';
import { inTemporaryFolder } from '../support/temporary';

/** Caption, grey of the winner and of the loser. */
const seen = (data: TrainingData) =>
  Promise.all(
    data.pairs.map(async (pair) => {
      const [winner, loser] = await Promise.all(
        [pair.winner, pair.loser ?? ''].map((column) => pairPicture(data, pair, column)),
      );
      return [pair.caption, winner?.data[0], loser?.data[0]];
    }),
  );

describe('pairs in two folders', () => {
  it('have the text beside the winner, whatever the endings of the pictures', () =>
    inTemporaryFolder(async (root) => {
      await writeFiles(root, {
        ...{ 'w/b.png': 10, 'l/b.PNG': 11, 'w/a.webp.png': 20, 'l/a.webp.jpeg': 21 },
        ...{ 'w/b.txt': ' a blue star\n', 'w/a.webp.txt': 'a ring', 'w/notes.md': 'no picture' },
      });
      const rows = [
        ['a ring', 20, 21],
        ['a blue star', 10, 11],
      ];
      assert.deepEqual(await seen(await openOwnPairs(root)), rows);
      for (const options of [{ trainDataDir: root }, { datasetName: root }])
        assert.deepEqual(await seen(await openTrainingData(options)), rows);
    }));

  it('have the name for a text where there are no texts at all', () =>
    inTemporaryFolder(async (root) => {
      await writeFiles(root, {
        ...{ 'w/a_red_star-2.png': 1, 'l/a_red_star-2.png': 2 },
        ...{ 'w/a_ring 07.png': 3, 'l/a_ring 07.png': 4 },
      });
      assert.deepEqual(await seen(await openOwnPairs(root)), [
        ['a red star', 1, 2],
        ['a ring', 3, 4],
      ]);
    }));

  it('are told apart from those that lack a picture or a text, each by a sentence', () =>
    inTemporaryFolder(async (root) => {
      await writeFiles(root, {
        ...{ 'w/a.png': 1, 'l/a.png': 2, 'w/a.txt': 'kept' },
        ...{ 'w/b.png': 3, 'w/b.txt': 'alone', 'l/c.png': 4 },
      });
      const { counts, faults, problems } = await openOwnPairs(root);
      assert.deepEqual([counts.total, counts.kept], [3, 1]);
      assert.deepEqual([faults.missing, faults.withoutCaption], [1, 1]);
      assert.equal(problems.length, 2);
      assert.match(problems[0] ?? '', /^Row 1 of ".*" lacks "jpg_1": There is no picture\.$/);
    }));

  it('do not show a linked file as a text, nor a linked picture from elsewhere', () =>
    inTemporaryFolder(async (root) => {
      await writeFiles(root, {
        'secret.txt': 'secret',
        'in/w/a.png': 1,
        'in/l/a.png': 2,
        'out.png': 3,
      });
      symlinkSync(join(root, 'secret.txt'), join(root, 'in/w/a.txt'));
      assert.deepEqual(await seen(await openOwnPairs(join(root, 'in'))), [['a', 1, 2]]);
      symlinkSync(join(root, 'out.png'), join(root, 'in/w/b.png'));
      await writeFiles(root, { 'in/l/b.png': 4 });
      await assert.rejects(openOwnPairs(join(root, 'in')), /is a link out of the folder/);
    }));

  it('are refused where two pictures have one name, or there is none', () =>
    inTemporaryFolder(async (root) => {
      for (const name of ['w', 'l']) mkdirSync(join(root, name));
      await assert.rejects(
        openOwnPairs(root),
        /has no picture \(PNG, JPEG or WebP\) in w\/ or l\//,
      );
      await writeFiles(root, { 'w/a.png': 1, 'w/a.jpg': 2, 'l/a.png': 3 });
      await assert.rejects(openOwnPairs(root), /a\.jpg" and ".*a\.png" have one name; keep one\./);
    }));
});

describe('a list of pairs', () => {
  const LIST = [
    { prompt: 'one', chosen: 'p/1.png', rejected: './p/2.png', note: 'kept' },
    { prompt: 'two', chosen: 'p/2.png', rejected: 'p/1.png' },
    { prompt: 'tied', chosen: 'p/1.png', rejected: 'p/2.png', label_0: 0.5 },
  ];
  const rows = [
    ['one', 1, 2],
    ['two', 2, 1],
  ];

  it('gives the same as JSON lines and as CSV, also to train', () =>
    inTemporaryFolder(async (root) => {
      const csv = [
        'prompt,chosen,rejected,label_0',
        'one,p/1.png,./p/2.png,',
        'two,p/2.png,p/1.png,1',
      ];
      await writeFiles(root, {
        ...{ 'p/1.png': 1, 'p/2.png': 2, 'pairs.jsonl': jsonLines(...LIST) },
        'pairs.csv': [...csv, 'tied,p/1.png,p/2.png,0.5'].join('\r\n'),
      });
      for (const name of ['pairs.jsonl', 'pairs.csv']) {
        const path = join(root, name);
        const own = await openOwnPairs(path);
        assert.deepEqual([await seen(own), own.counts.ties], [rows, 1], name);
        const { counts, ...data } = await openTrainingData({ trainDataDir: path });
        assert.deepEqual([await seen(data), counts.ties, counts.kept], [rows, 1, 2], name);
      }
    }));

  it('takes two pictures and who won, and other columns for the text', () =>
    inTemporaryFolder(async (root) => {
      const pairs = [
        {
          caption: 'second',
          jpg_0: '1.png',
          jpg_1: '2.png',
          label_0: 0,
          model_0: 'a',
          model_1: 'b',
        },
        { caption: 'open', jpg_0: '1.png', jpg_1: '2.png' },
      ];
      await writeFiles(root, { '1.png': 1, '2.png': 2, 'x.jsonl': jsonLines(...pairs) });
      const own = await openOwnPairs(join(root, 'x.jsonl'));
      assert.deepEqual(await seen(own), [['second', 2, 1]]);
      assert.deepEqual([own.counts.unlabelled, own.pairs[0]?.models], [1, ['a', 'b']]);
      const data = { trainDataDir: join(root, 'x.jsonl'), captionColumn: 'prompt' };
      await assert.rejects(openTrainingData(data), /caption column "prompt" should contain/);
    }));

  it('refuses paths that lead out of its folder, before a picture is read', async () => {
    const hostile = [
      ...['../1.png', 'p/../../1.png', '/etc/hostname', 'p\\..\\..\\1.png', '..', '.', 'a\0.png'],
      ...[7, ['1.png'], { path: '1.png' }],
    ];
    for (const chosen of hostile)
      await inTemporaryFolder(async (root) => {
        const list = jsonLines(
          { prompt: 'x', chosen: '1.png', rejected: '2.png' },
          { prompt: 'x', chosen, rejected: '2.png' },
        );
        await writeFiles(root, { 'in/1.png': 1, 'in/2.png': 2, '1.png': 3, 'in/x.jsonl': list });
        const opened = openOwnPairs(join(root, 'in/x.jsonl'));
        await assert.rejects(opened, /^RangeError: Row 1 of ".*" names .*not a path inside/);
      });
  });

  it('names what it lacks', () =>
    inTemporaryFolder(async (root) => {
      const refused = async (text: string, reason: RegExp) => {
        writeFileSync(join(root, 'x.jsonl'), text);
        await assert.rejects(openOwnPairs(join(root, 'x.jsonl')), reason);
      };
      await refused('', /x\.jsonl" lists no pair\./);
      await refused(
        '{"prompt":"a","chosen":"1.png"}',
        /lists prompt, chosen; pairs need prompt, chosen and rejected/,
      );
      await refused('{"prompt":"a"\n', /x\.jsonl": .*JSON/);
      await refused('[1]', /x\.jsonl": row 0 is not an object\./);
      truncateSync(join(root, 'x.jsonl'), 2 ** 28 + 1);
      await assert.rejects(openOwnPairs(join(root, 'x.jsonl')), /at most 268435456 are read/);
    }));
});

describe('openOwnPairs', () => {
  /** One row of each kind, after two that are kept. */
  async function everyKind(root: string): Promise<OwnPairs> {
    const pair = (prompt: string | null, chosen: string, rejected: string, label_0 = 1) => ({
      ...{ prompt, chosen, rejected, label_0 },
    });
    const rows = [
      pair('a', '1.png', '2.png'),
      pair('b', '1.png', 'large.png'),
      pair('a', '1.png', 'gone.png'),
      pair('a', 'broken.png', '2.png'),
      pair('a', 'text.png', '2.png'),
      pair('a', '1.png', '2.png', 0.5),
      pair('a', '1.png', 'also-1.png'),
      pair('a', '2.png', '1.png', 0),
      pair('a', '2.png', '1.png'),
      pair(null, '1.png', '2.png'),
      pair('a', '1.png', '2.png', 7),
    ];
    await writeFiles(root, {
      ...{ '1.png': 1, '2.png': 2, 'also-1.png': 1, 'large.png': await greyPng(3, 4) },
      ...{ 'broken.png': (await greyPng(4)).subarray(0, 40), 'text.png': 'no picture' },
      'x.jsonl': jsonLines(...rows),
    });
    return openOwnPairs(join(root, 'x.jsonl'));
  }

  it('counts every row once, and says what is wrong with it', () =>
    inTemporaryFolder(async (root) => {
      const { counts, faults, problems, pairs } = await everyKind(root);
      assert.deepEqual(counts, {
        ...{ total: 11, kept: 3, ties: 2, unlabelled: 1, notDreamlike: 0, notChosen: 0 },
      });
      const found = { missing: 1, unreadable: 2, withoutCaption: 1, duplicates: 1, sizesDiffer: 1 };
      assert.deepEqual(faults, found);
      // the reversed pair of row 8 contradicts row 0 and repeats nothing
      assert.deepEqual(
        pairs.map(({ row }) => row),
        [0, 1, 8],
      );
      const told = problems.map((sentence) => sentence.replace(/ of ".*?"(?= )/, ''));
      assert.match(
        told.join('\n'),
        /^Row 1 has pictures of 2×2 and 4×4\.\nRow 2 lacks "jpg_1": There is no file /,
      );
      assert.match(
        told.join('\n'),
        /\nRow 7 repeats row 0\.\nRow 9 has no caption\.\nRow 10 has no label\.$/,
      );
      assert.equal(
        describeFaults({ counts, faults }),
        'kept 3 of 11, 2 tied, 1 without a label, 1 with a picture missing, 2 with a picture that cannot be read, 1 without a caption, 1 told before, 1 kept with pictures of two sizes',
      );
    }));

  it('refuses data of which nothing is left, with the first reason', () =>
    inTemporaryFolder(async (root) => {
      const row = { prompt: 'a', chosen: '1.png', rejected: '2.png' };
      await writeFiles(root, { 'x.jsonl': jsonLines(row) });
      await assert.rejects(
        openOwnPairs(join(root, 'x.jsonl')),
        /^RangeError: No pair can be trained on \(kept 0 of 1, 1 with a picture missing\)\. Row 0 of .* There is no file /,
      );
      await assert.rejects(openOwnPairs(root), /has no pairs: neither a list/);
    }));

  it('maps the columns of a parquet file', () =>
    inTemporaryFolder(async (root) => {
      const path = join(root, 'x.parquet');
      const row = { jpg_0: await greyPng(1), jpg_1: await greyPng(2), caption: 'a', model_0: 'm' };
      writePreferencePairs(path, [{ ...row, label_0: 0 }]);
      assert.deepEqual(await seen(await openOwnPairs(path)), [['a', 2, 1]]);
      const columns = { chosen: 'jpg_1', rejected: 'jpg_0', caption: 'model_0' };
      assert.deepEqual(await seen(await openOwnPairs(path, { columns })), [['m', 2, 1]]);
      const other = openOwnPairs(path, { columns: { chosen: 'winner' } });
      await assert.rejects(other, /has no column "winner"; it has .*caption/);
    }));
});

describe('writeOwnPairs', () => {
  it("writes Pick-a-Pic's files, which open as the same pairs", () =>
    inTemporaryFolder(async (root) => {
      const [list, set] = [join(root, 'x.jsonl'), join(root, 'set')];
      const row = { prompt: 'é', jpg_0: '1.png', jpg_1: '2.png', model_0: 'a', model_1: 'b' };
      const rows = [0, 1, 0].map((label_0, i) => ({ ...row, prompt: `é${i}`, label_0 }));
      await writeFiles(root, { '1.png': 1, '2.png': 2, 'x.jsonl': jsonLines(...rows) });
      const own = await openOwnPairs(list);
      await writeOwnPairs(set, own, { rowsPerFile: 2 });
      const expected = [
        ['é0', 2, 1],
        ['é1', 1, 2],
        ['é2', 2, 1],
      ];
      assert.deepEqual(await seen(await openPairs(set)), expected);
      assert.deepEqual(await seen(await openTrainingData({ datasetName: set })), expected);
      const path = join(set, 'data', 'train-00000-of-00002.parquet');
      for await (const { jpg_0: _, jpg_1: __, ...written } of readPreferenceRows(path)) {
        assert.deepEqual(
          [written.label_0, written.label_1, written.model_1, written.best_image_uid],
          [0, 1, 'b', '0-1'],
        );
        break;
      }
      await assert.rejects(writeOwnPairs(set, own), /exists already; it is not overwritten/);
      await writeOwnPairs(set, { ...own, pairs: own.pairs.slice(0, 1) }, { existing: 'replace' });
      assert.deepEqual(
        await seen(await openPairs(set)),
        expected.slice(0, 1),
        'no file is left of before',
      );
    }));
});
