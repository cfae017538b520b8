import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openUnlabelled, readLabels } from '../../src/data';
import { decodeImage } from '../../src/data/image';
import { LabelSession } from '../../src/show/label-session';
import { answerAll, enter } from '../support/label-client';
import { withServer } from '../support/label-desk';
import { listOfPairs } from '../support/own-pairs';
import { inTemporaryFolder } from '../support/temporary';

const answersIn = (file: string) =>
  [...(readLabels(file).byLabeller.get('anna') ?? [])].map(([pair, { label_0 }]) => [
    pair,
    label_0,
  ]);

describe('LabelServer', () => {
  it('asks for every pair, and keeps for each the picture that was chosen', () =>
    withServer(
      async ({ server, session, file }) => {
        const grey = async (png: Uint8Array) => (await decodeImage(png)).data[0] ?? 0;
        const brighter = async ({ left, right }: { left: Uint8Array; right: Uint8Array }) =>
          (await grey(left)) > (await grey(right)) ? 'left' : 'right';
        assert.equal(await answerAll(server.link(), brighter), 12);
        await server.finished;
        assert.equal(session.done, 12);
        const expected = Array.from({ length: 12 }, (_, i) => [`${i}-a.png|${i}-b.png`, 0]);
        assert.deepEqual(answersIn(file), expected, 'jpg_1 is the brighter one of each');
        const sides = [...(readLabels(file).byLabeller.get('anna')?.values() ?? [])].map(
          ({ left }) => left,
        );
        assert.ok(sides.includes('jpg_0') && sides.includes('jpg_1'), 'sides are drawn');
      },
      { count: 12, seed: 5 },
    ));

  it('takes answers back, one after the other, and lets them be given again', () =>
    withServer(async ({ server, file }) => {
      const { askJson } = await enter(server.link());
      const choose = (pair: number, choice: string) => askJson('POST', '/choice', { pair, choice });
      assert.equal((await choose(0, 'tie')).next, 1);
      assert.equal((await choose(2, 'tie')).next, 3);
      assert.equal((await choose(0, 'tie')).next, 1, 'answered again is answered last');
      assert.deepEqual(await askJson('POST', '/undo', {}), {
        labeller: 'anna',
        total: 4,
        done: 1,
        next: 0,
      });
      assert.equal((await askJson('POST', '/undo', {})).next, 2);
      await assert.rejects(askJson('POST', '/undo', {}), /409 .*There is no answer to take back/);
      assert.deepEqual(answersIn(file), []);
      assert.equal((await askJson('GET', '/pair/0')).choice, null);
      await choose(0, 'tie');
      assert.equal((await askJson('GET', '/pair/0')).choice, 'tie');
    }));

  it('goes on where the file ends, and shows an answer as it was given, whatever the sides are now', () =>
    inTemporaryFolder(async (root) => {
      const pairs = await openUnlabelled(await listOfPairs(root, 8));
      const task = { labeller: 'anna', file: join(root, 'labels.jsonl') };
      const before = await LabelSession.open(pairs, { ...task, seed: 1 });
      for (const i of [0, 1, 2, 4]) await before.choose(i, i === 4 ? 'tie' : 'right');
      await before.close();
      const after = await LabelSession.open(pairs, { ...task, seed: 2 });
      assert.deepEqual(after.state(), { labeller: 'anna', total: 8, done: 4, next: 3 });
      assert.deepEqual(
        [0, 1, 2, 4].map((i) => after.ask(i).choice),
        ['right', 'right', 'right', 'tie'],
      );
      assert.equal(await after.undo(), 4);
      await after.close();
      const other = await LabelSession.open(pairs, { ...task, labeller: 'Bért' });
      assert.equal(other.done, 0);
      await other.close();
      for (const labeller of ['', ' a', 'a\nb', '../a', 'x'.repeat(65)])
        await assert.rejects(
          LabelSession.open(pairs, { ...task, labeller }),
          /^RangeError: The labeller is called/,
        );
    }));

  it('tells a page nothing of who drew which', () =>
    withServer(async ({ server }) => {
      const { ask } = await enter(server.link());
      for (const path of ['/', '/state/0', '/pair/1', '/picture/1/left', '/picture/1/right']) {
        const response = await ask('GET', path);
        const told = Buffer.from(await response.arrayBuffer()).toString('latin1');
        assert.doesNotMatch(
          told + [...response.headers].join(),
          /"base"|DPO|-a\.png|-b\.png|jpg_/,
          path,
        );
      }
    }));

  it('passes on that a picture cannot be read, or an answer not kept', () =>
    withServer(async ({ server, session, file }) => {
      const { askJson, ask } = await enter(server.link());
      writeFileSync(join(file, '..', '0-a.png'), 'no picture');
      const sides = await Promise.allSettled(
        ['left', 'right'].map((side) => ask('GET', `/picture/0/${side}`)),
      );
      const [refused, other] = sides.filter((side) => side.status === 'rejected');
      assert.match(String(refused?.reason), /422 .*The picture file is not a JPEG, PNG or WebP/);
      assert.equal(other, undefined);
      const before = readFileSync(file, 'utf8');
      await session.close(); // as a disk that is gone
      const choice = askJson('POST', '/choice', { pair: 1, choice: 'left' });
      await assert.rejects(choice, /500 .*labels\.jsonl is closed; the answer is not kept/);
      assert.deepEqual([session.done, readFileSync(file, 'utf8')], [0, before]);
    }));
});
