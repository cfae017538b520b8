import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSampler, type SchedulerConfig } from '../../src/diffusion';
import { readJson, writeJson } from '../../src/hub/json-file';
import { inTemporaryFolder } from '../support/temporary';

describe('JSON with infinities', () => {
  // As diffusers writes a DPMSolverMultistepScheduler; JSON itself has no word for the number.
  const text = `{
  "_class_name": "DPMSolverMultistepScheduler",
  "lambda_min_clipped": -Infinity,
  "note": "-Infinity, \\"Infinity\\"",
  "list": [
    Infinity,
    -1.5
  ]
}
`;

  it('is read as Python reads it, and written back in the same bytes', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'scheduler_config.json');
      writeFileSync(path, text);
      const file = await readJson(path);
      assert.equal(file.lambda_min_clipped, Number.NEGATIVE_INFINITY);
      assert.equal(file.note, '-Infinity, "Infinity"');
      assert.deepEqual(file.list, [Number.POSITIVE_INFINITY, -1.5]);
      const { note: _, list: __, ...config } = file;
      assert.equal(makeSampler(config as SchedulerConfig).config.sampler, 'dpmsolver_multistep');
      await writeJson(path, file);
      assert.equal(readFileSync(path, 'utf8'), text);
    }));

  it('is refused where it is no JSON for another reason', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'broken.json');
      for (const broken of [
        '{"a": Infinity',
        '{"a": NaN}',
        '{"a": --Infinity}',
        '{"a": "Infinity}',
      ]) {
        writeFileSync(path, broken);
        await assert.rejects(readJson(path), /broken.json: it is not JSON/);
      }
    }));
});
