import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveCheckpoint } from '../../src/training/checkpoint';
import { smallParts } from '../support/small-checkpoint';
import { inTemporaryFolder } from '../support/temporary';
import { differences, killAndResume } from '../torture/killing';
import { savingRun } from '../torture/resume';

describe('a run killed with SIGKILL at random moments', () => {
  it('has every checkpoint that it saved, and ends as the run left alone', () =>
    inTemporaryFolder(async (folder) => {
      const report = await killAndResume(savingRun(8), { folder, kills: 3 });
      assert.equal(report.kills, 3);
    }));
});

describe('differences', () => {
  it('sees a bit, a file and a figure, and not what the clock made', () =>
    inTemporaryFolder(async (folder) => {
      const [a, b] = [join(folder, 'a'), join(folder, 'b')];
      await saveCheckpoint(a, 1, smallParts(1));
      const line = { step: 1, train_loss: 0.5, pairs_per_second: 2 };
      writeFileSync(join(a, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
      cpSync(a, b, { recursive: true });
      const other = JSON.stringify({ ...line, pairs_per_second: 3 });
      writeFileSync(join(b, 'metrics.jsonl'), `${other}\n`);
      assert.deepEqual(await differences(a, b), []);

      const weights = join('checkpoint-1', 'pytorch_lora_weights.safetensors');
      const bytes = readFileSync(join(b, weights));
      bytes.writeUInt8(bytes.readUInt8(900) ^ 1, 900);
      writeFileSync(join(b, weights), bytes);
      writeFileSync(join(b, 'more.bin'), '');
      appendFileSync(join(b, 'metrics.jsonl'), '{"step":2,"train_loss":1}\n');
      assert.deepEqual(await differences(a, b), [
        weights,
        'more.bin',
        'metrics.jsonl: no line and [["step",2],["train_loss",1]]',
      ]);
    }));
});
