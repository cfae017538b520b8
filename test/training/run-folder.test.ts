import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder } from '../../src/training';

describe('createRunFolder', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'dpo-runs-'));
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  it('gives every run a folder of its own, also in the same second', () => {
    const time = new Date('2026-03-01T12:30:05Z');
    const ids = [1, 2, 3].map((n) => createRunFolder(root, 'dpo', { n }, { time }).id);
    assert.deepEqual(ids, [
      '2026-03-01T12-30-05-dpo',
      '2026-03-01T12-30-05-dpo-2',
      '2026-03-01T12-30-05-dpo-3',
    ]);
    assert.equal(readFileSync(join(root, ids[0] ?? '', 'config.json'), 'utf8'), '{\n  "n": 1\n}\n');
  });

  it('logs one JSON line per record and makes the folders of its files', () => {
    const run = createRunFolder(root, 'log', {});
    run.log({ step: 1, loss: 0.5 });
    run.log({ step: 2 });
    const lines = readFileSync(join(run.path, 'metrics.jsonl'), 'utf8').trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [{ step: 1, loss: 0.5 }, { step: 2 }],
    );
    assert.ok(existsSync(join(run.file('samples', 'a.png'), '..')));
  });
});
