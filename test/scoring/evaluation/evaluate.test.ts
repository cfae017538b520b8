/** A whole evaluation on the embedded world, with a budget of seconds. */
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '../../../src/data';
import { readPngText } from '../../../src/data/read-png-text';
import { generateImages } from '../../../src/diffusion';
import { tensorCount } from '../../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../../src/hub';
import {
  compareModels,
  type EvaluationRequest,
  evaluate,
} from '../../../src/scoring/evaluation/evaluate';
import { type EvaluationResult, readResult } from '../../../src/scoring/evaluation/result';
import { judge, utility } from '../../../src/toyworld';
import { copyOf } from '../../../src/toyworld/world-training';
import { assertClose } from '../../support/assert';
import { inTemporaryFolder } from '../../support/temporary';

const BASE = join('data', 'base');
const drawing = { numInferenceSteps: 3, guidanceScale: 2 };

describe('evaluate', () => {
  let base: Pipeline;
  let other: Pipeline;

  before(async () => {
    base = await loadPipeline(BASE);
    other = { ...base, unet: copyOf(base.unet) };
    const bias = other.unet.parameters.read('conv_out.bias');
    other.unet.parameters.write(
      'conv_out.bias',
      bias.map((x) => x + 0.2),
    );
  });

  after(() => {
    other.unet.parameters.dispose();
    disposePipeline(base);
  });

  const requestIn = (outputDir: string): EvaluationRequest => ({
    ...{ models: { base: BASE, other }, prompts: 'world', maxPrompts: 4, seeds: [0, 5] },
    ...{ scorers: ['judge', 'embedded'], drawing, outputDir, resamples: 500 },
  });

  it('goes on where it was cut off, with the pictures of npm run sample', () =>
    inTemporaryFolder(async (folder) => {
      const request = requestIn(folder);
      const tensors = tensorCount();
      for await (const { stage, done } of evaluate(request, { drawnTogether: 3 }))
        if (stage === 'drawing' && done === 5) break;
      assert.equal(readdirSync(join(folder, 'pictures', 'base')).length, 6); // whole batches
      const torn = join(folder, 'pictures', 'base', '00001-100005.png');
      truncateSync(torn, 200); // as a disk that lost its power leaves it
      const again: string[] = [];
      for await (const record of evaluate(request, { drawnTogether: 3 }))
        if (record.stage === 'drawing' && record.picture) again.push(record.picture.file);
      assert.equal(again.filter((file) => file.includes('base')).length, 3);
      assert.equal(again.length, 3 + 8);
      assert.equal(tensorCount(), tensors);
      const bytes = readFileSync(torn);
      const text = readPngText(bytes);
      const prompt = text.get('prompt') ?? '';
      const [expected] = generateImages(base, { prompt, seed: 100_005, ...drawing });
      assert.deepEqual((await decodeImage(bytes)).data, expected?.data);
      assert.equal(text.get('seed'), '100005');
    }));

  it('compares what was drawn, prompt by prompt and seed by seed, and scores it once', () =>
    inTemporaryFolder(async (folder) => {
      const result = await compareModels(requestIn(folder));
      assert.deepEqual(await readResult(join(folder, 'result.json')), result);
      const [byJudge, byScorer] = result.comparisons;
      assert.deepEqual([byJudge?.scorer, byScorer?.scorer], ['judge', 'embedded']);
      assert.equal(byJudge?.winRate.n, 4);
      const { wins = 0, losses = 0, ties = 0 } = byJudge?.pairs ?? {};
      assert.equal(wins + losses + ties, 8);
      await assertDifference(folder, result);
      assertProvenance(result);

      const scores = readdirSync(join(folder, 'scores')).find((name) => name.startsWith('judge-'));
      const cache = join(folder, 'scores', scores ?? '');
      const lines = readFileSync(cache, 'utf8');
      assert.equal(lines.trimEnd().split('\n').length, 16);
      appendFileSync(cache, '["half a li');
      assert.deepEqual((await compareModels(requestIn(folder))).comparisons, result.comparisons);
      assert.equal(readFileSync(cache, 'utf8'), lines);
    }));

  it('refuses a folder that was begun with another model, and a result that is damaged', () =>
    inTemporaryFolder(async (folder) => {
      const request = { ...requestIn(folder), maxPrompts: 1, scorers: ['judge'] };
      await compareModels(request);
      await assert.rejects(
        compareModels({ ...request, models: { base: BASE, other: BASE } }),
        /holds an evaluation with other models: .*give another folder/,
      );
      await assert.rejects(
        compareModels({ ...request, drawing: { ...drawing, guidanceScale: 3 } }),
        /other drawing: .*"guidanceScale":2.* now .*"guidanceScale":3/,
      );
      const path = join(folder, 'result.json');
      writeFileSync(
        path,
        readFileSync(path, 'utf8').replace(
          /"winRate": \{\s+"value": [\d.]+/,
          '"winRate": { "value": "many"',
        ),
      );
      await assert.rejects(
        readResult(path),
        /in comparisons\.\*\.winRate\.value "many" stands where a number/,
      );
    }));

  it('refuses a request without meaning', async () => {
    const request = requestIn('nowhere');
    const refusals: [Partial<EvaluationRequest>, RegExp][] = [
      [{ models: { base: BASE } }, /two models or more; given: base/],
      [{ models: { base: BASE, '../x': BASE } }, /"\.\.\/x" is no name for a model/],
      [{ scorers: ['judge', 'judge'] }, /one scorer or more, each once/],
      [{ seeds: [] }, /one seed or more/],
      [{ seeds: [100_000] }, /Seed 100000 is too large/],
    ];
    for (const [wrong, message] of refusals)
      await assert.rejects(compareModels({ ...request, ...wrong }), message);
  });
});

/** The mean difference of the judge's utilities, from the files themselves. */
async function assertDifference(folder: string, { comparisons }: EvaluationResult) {
  const utilities = async (model: string) => {
    const files = readdirSync(join(folder, 'pictures', model)).map((name) =>
      readFileSync(join(folder, 'pictures', model, name)),
    );
    const values: number[] = [];
    for (const bytes of files)
      values.push(utility(judge(await decodeImage(bytes), readPngText(bytes).get('prompt') ?? '')));
    return values;
  };
  const [own, base] = [await utilities('other'), await utilities('base')];
  const differences = own.map((value, i) => value - (base[i] ?? 0));
  const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
  assertClose(comparisons[0]?.meanDifference.value ?? 0, mean, { rtol: 1e-9 });
  const largest = comparisons[0]?.largest;
  const ends = [largest?.wins[0]?.difference, largest?.losses[0]?.difference];
  const [most, least] = [Math.max(...differences), Math.min(...differences)];
  assertClose(
    ends.map((end) => end ?? 0),
    [Math.max(0, most), Math.min(0, least)],
    { rtol: 1e-9 },
  );
}

/** Every number says what it was computed with, and nothing of this machine. */
function assertProvenance({ settings, scorers, code, models, drift }: EvaluationResult) {
  assert.deepEqual(
    settings.models.map(({ source }) => source),
    ['base', 'in memory'],
  );
  const hashes = [...settings.models, ...scorers, settings.prompts].map(({ hash }) => hash);
  for (const hash of hashes) assert.match(hash, /^[0-9a-f]{64}$/);
  assert.notEqual(settings.models[0]?.hash, settings.models[1]?.hash);
  assert.equal(code.version, '0.1.0');
  assert.deepEqual([settings.seeds, settings.drawing], [[0, 5], drawing]);
  assert.ok((models[0]?.variety?.pairDistance ?? 0) > 1);
  assert.equal(drift.length, 4);
  assert.doesNotMatch(JSON.stringify({ settings, scorers }), new RegExp(process.cwd()));
}
