import assert from 'node:assert/strict';
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { decodeImage, openUnlabelled, readCandidates } from '../../src/data';
import {
  type CandidateOptions,
  candidateCount,
  generateCandidates,
  generateImages,
} from '../../src/diffusion';
import { tensorCount } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const PROMPTS = ['a red cat', '', 'the dog'];
const DRAWING = { numInferenceSteps: 2, guidanceScale: 2, height: 16, width: 16 } as const;

describe('generateCandidates', () => {
  let base: Pipeline;
  let other: Pipeline;
  before(async () => {
    [base, other] = [await loadTiny(), await loadTiny()];
    const [name = ''] = other.unet.parameters.names;
    other.unet.parameters.write(
      name,
      other.unet.parameters.read(name).map((x) => x + 0.1),
    );
  });
  after(() => [base, other].forEach(disposePipeline));
  const loadTiny = () => loadPipeline(fixturePath('pipelines', 'tiny-sd'));

  async function draw(
    outputDir: string,
    models: Parameters<typeof generateCandidates>[1],
    options: Partial<CandidateOptions> = {},
  ) {
    const drawn: string[] = [];
    for await (const { file_name } of generateCandidates(PROMPTS, models, {
      outputDir,
      ...DRAWING,
      ...options,
    }))
      drawn.push(file_name);
    return drawn;
  }

  /** All files of a folder by name. */
  const contents = (folder: string) =>
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]);

  it('draws picture k of prompt i from seed + i · perPrompt + k, each as it is drawn alone', () =>
    inTemporaryFolder(async (root) => {
      const before = tensorCount();
      const drawn = await draw(root, base, { seed: 40, drawnTogether: 4 });
      assert.equal(drawn.length, candidateCount(PROMPTS, base));
      const { candidates } = readCandidates(root);
      assert.deepEqual(
        candidates.map(({ prompt, seed, model }) => [prompt, seed, model]),
        PROMPTS.flatMap((prompt, i) => [0, 1].map((k) => [prompt, 40 + 2 * i + k, 'model'])),
      );
      for (const { file_name, prompt, seed } of candidates) {
        const { data } = await decodeImage(readFileSync(join(root, file_name)));
        const [alone] = generateImages(base, { prompt, seed, ...DRAWING });
        const far = data.filter((value, i) => Math.abs(value - (alone?.data[i] ?? -9)) > 1).length;
        assert.equal(far, 0, file_name); // a batch rounds otherwise
      }
      assert.equal(tensorCount(), before);
      const { pairs } = await openUnlabelled(root);
      assert.deepEqual(
        pairs.map(({ id, caption }) => [id, caption]),
        [
          ['00000-0-0.png|00000-1-0.png', 'a red cat'],
          ['00001-0-0.png|00001-1-0.png', ''],
          ['00002-0-0.png|00002-1-0.png', 'the dog'],
        ],
      );
      assert.equal((await openUnlabelled(join(root, 'candidates.jsonl'))).pairs.length, 3);
    }));

  it('compares models at the same seed, and of one model every two pictures', () =>
    inTemporaryFolder(async (root) => {
      await draw(join(root, 'two'), { base, other }, { perPrompt: 2, drawnTogether: 3 });
      const { pairs, pictures } = await openUnlabelled(join(root, 'two'));
      assert.deepEqual(
        pairs.slice(0, 2).map(({ id }) => id),
        ['00000-0-0.png|00000-0-1.png', '00000-1-0.png|00000-1-1.png'],
      );
      assert.equal(pairs.length, 6);
      for (const { models } of pairs) assert.deepEqual(models, ['base', 'other']);
      const row = { ...pairs[0], winner: 'jpg_0' } as Parameters<typeof pictures.get>[0];
      assert.notDeepEqual(await pictures.get(row, 'jpg_0'), await pictures.get(row, 'jpg_1'));
      await draw(join(root, 'three'), base, { perPrompt: 3 });
      assert.equal((await openUnlabelled(join(root, 'three'))).pairs.length, 9);
    }));

  it('goes on where it was cut off, and ends with the same files', () =>
    inTemporaryFolder(async (root) => {
      const [whole, cut] = [join(root, 'whole'), join(root, 'cut')];
      await draw(whole, { base, other }, { drawnTogether: 2 });
      const index = join(cut, 'candidates.jsonl');
      for await (const _ of generateCandidates(
        PROMPTS,
        { base, other },
        { outputDir: cut, ...DRAWING, drawnTogether: 2 },
      ))
        break;
      assert.equal(readCandidates(cut).candidates.length, 1);
      appendFileSync(index, '{"file_name":"000'); // killed while it wrote
      assert.equal((await draw(cut, { base, other }, { drawnTogether: 2 })).length, 5);
      assert.deepEqual(contents(cut), contents(whole));
      assert.deepEqual(await draw(cut, { base, other }, { drawnTogether: 2 }), []);
      rmSync(join(cut, '00001-0-1.png'));
      assert.deepEqual(await draw(cut, { base, other }, { drawnTogether: 2 }), ['00001-0-1.png']);
      assert.deepEqual(contents(cut), contents(whole));
      truncateSync(index, 20); // killed at the very beginning
      assert.equal((await draw(cut, { base, other }, { drawnTogether: 2 })).length, 6);
      assert.deepEqual(contents(cut), contents(whole));
    }));

  it('does not go on with other prompts, settings, or a model of other weights', () =>
    inTemporaryFolder(async (root) => {
      await draw(root, base);
      await assert.rejects(draw(root, other), /was begun with other candidates: models was /);
      await assert.rejects(
        draw(root, base, { seed: 1 }),
        /seed was 0, is 1; take another folder\./,
      );
      await assert.rejects(
        draw(root, base, { numInferenceSteps: 3 }),
        /drawing was .*"numInferenceSteps":2/,
      );
      await assert.rejects(draw(root, base, { perPrompt: 4 }), /perPrompt was 2, is 4/);
      for (const [options, reason] of [
        [{ perPrompt: 1 }, /One picture of each prompt leaves nothing to choose/],
        [{ perPrompt: 0 }, /perPrompt is 0; it must be a whole number, 1 or more/],
        [{ drawnTogether: 1.5 }, /drawnTogether is 1\.5/],
        [{ seed: -1 }, /seed is -1/],
      ] as const)
        await assert.rejects(draw(join(root, 'none'), base, options), reason);
      writeFileSync(
        join(root, 'candidates.jsonl'),
        '{"prompts":"x","models":["m"]}\n{"file_name":"../x.png"}\n',
      );
      assert.throws(
        () => readCandidates(root),
        /^RangeError: Line 2 of ".*" is no picture of this folder/,
      );
    }));
});
